"""Which images are held out, and which keep their labels: fixed choices, with every class in its proportion.

The choices depend on the labels and a count alone. They are drawn from numpy's RandomState, the one generator whose
stream is promised never to change (NEP 19), since new ones would make old results incomparable.
"""

import numpy as np
from numpy.typing import NDArray

from models import UNKNOWN
from sweeper.errors import UsageError

SEED = 0


def hold_out(labels: NDArray[np.integer], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Divide the images 0 … N-1 into those that are kept and `count` that are held out.

    The images are shuffled, grouped by class, and taken at equal distances along that row: a systematic sample, in
    which the share of a class differs from its share of the whole by less than one image.

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
    by_class = _by_class(labels)
    held = np.zeros(total, dtype=bool)
    held[by_class[(2 * np.arange(count) + 1) * total // (2 * count)]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def told(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return labels of which `count` are known and the others are `models.UNKNOWN`, as semi-supervised training has it.

    Equally many of each class are known; where the count is no multiple of the number of classes, the first classes
    have one more, and where a class has too few, the others have more. A smaller choice is a part of a larger one, so
    that the images that a model with more labels gains are all that differs.

    Args:
        labels: [N], the class of each image.
        count: how many stay known, from 0 to N.

    """
    by_class = _by_class(labels)
    grouped = labels[by_class]
    rank = np.arange(len(labels)) - np.searchsorted(grouped, grouped)  # of an image among those of its class
    known = by_class[np.argsort(rank, kind="stable")[:count]]
    few = np.full_like(labels, UNKNOWN)
    few[known] = labels[known]
    return few


def _by_class(labels: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the indices of all images, grouped by class, shuffled within each."""
    shuffled = np.random.RandomState(SEED).permutation(len(labels))
    return shuffled[np.argsort(labels[shuffled], kind="stable")]
