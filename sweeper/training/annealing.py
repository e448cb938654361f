"""How the learning rate falls in the course of training."""

import math
from typing import Literal

Annealing = Literal["none", "linear", "cosine", "iwae"]

IWAE_STAGES = 8


def factor(annealing: Annealing, epoch: int, epochs: int) -> float:
    """Return by what the learning rate is multiplied in an epoch, from 0, of so many.

    "linear" falls from 1 towards 0 by equal steps. "cosine" does so along half a wave (Loshchilov & Hutter 2017,
    eq. 5). "iwae" falls from 1 to 1/10 in the eight stages of Burda et al. 2016, each three times as long as the one
    before: 10^(-i/7) in stage i.
    """
    match annealing:
        case "none":
            return 1.0
        case "linear":
            return 1 - epoch / epochs
        case "cosine":
            return (1 + math.cos(math.pi * epoch / epochs)) / 2
        case "iwae":
            whole = (3**IWAE_STAGES - 1) / 2
            stage = int(math.log(2 * whole * epoch / epochs + 1, 3) + 1e-9)
            return float(10 ** (-stage / (IWAE_STAGES - 1)))
