"""Which images are held out: a fixed choice, every class in its proportion."""

import numpy as np
from numpy.typing import NDArray

from sweeper.errors import UsageError

SEED = 0


def hold_out(labels: NDArray[np.uint8], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Divide the images 0 … N-1 into those that are kept and `count` that are held out.

    The images are shuffled, grouped by class, and taken at equal distances along that row: a systematic sample, in
    which the share of a class differs from its share of the whole by less than one image.

    The choice depends on the labels and the count alone. It is drawn from numpy's RandomState, the one generator whose
    stream is promised never to change (NEP 19), since a new split would make old results incomparable.

    Args:
        labels: [N], the class of each image.
        count: how many to hold out, from 1 to N-1.

    Returns:
        The indices of the images kept, [N-count], and held out, [count], both ascending.

    Raises:
        UsageError: `count` leaves no image on one of the two sides.

    """
    total = len(labels)
    if not 1 <= count < total:
        raise UsageError(f"cannot hold out {count} of {total} images: 1 to {total - 1} are possible")
    shuffled = np.random.RandomState(SEED).permutation(total)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    held = np.zeros(total, dtype=bool)
    held[by_class[(2 * np.arange(count) + 1) * total // (2 * count)]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)
