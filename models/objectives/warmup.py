"""KL warm-up: the weight of a divergence rises linearly from 0 over the first epochs (Sønderby et al. 2016, sec. 2.3).

A decoder that has learned nothing yet makes it cheapest to ignore z; without the divergence it learns to use z first.
"""


def warmed_up(weight: float, warmup: float, epoch: float) -> float:
    """Return the weight so many epochs after the start of training, ``warmup`` epochs (0: none) before it is whole."""
    return weight * min(1.0, epoch / warmup) if warmup else weight
