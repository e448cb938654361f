"""How many seeds would tell: the size of the sweep that could have decided what this one could not."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from sweeper.analysis.differences import welch_degrees
from sweeper.analysis.intervals import Sample

POWER = 0.8
"""The probability with which a difference of the size seen would then be claimed."""

ASSURANCE = 0.8
"""The probability with which the larger number of seeds is enough, although the spread is known from few seeds."""

MOST_SEEDS = 1000
"""Beyond this many seeds per arm nobody trains, and a number would pretend to be more than it is."""


@dataclass(frozen=True)
class SeedsNeeded:
    """Seeds per arm; ``None`` stands for more than `MOST_SEEDS`."""

    likely: int | None
    """If the spreads are as seen."""
    cautious: int | None
    """If the spreads are as large as they may well be, given how few seeds have shown them."""


def seeds_needed(first: Sample, second: Sample, degrees: float, alpha: float) -> SeedsNeeded | None:
    """Return how many seeds per arm tell a difference as large as the one seen, with the power of `POWER`.

    The cautious number takes the upper `ASSURANCE` limit of the spread (Browne 1995, Statistics in Medicine 14) on
    the ``degrees`` of freedom of the difference seen: after two or three seeds a spread may be small by luck.

    ``None`` where no number would: no difference was seen, or a sample shows no spread.
    """
    from scipy.special import chdtri

    size = abs(first.mean - second.mean)
    if not size or not first.variance or not second.variance:
        return None
    growth = degrees / float(chdtri(degrees, ASSURANCE))
    seen, wide = (first.variance, second.variance), (first.variance * growth, second.variance * growth)
    return SeedsNeeded(fewest_seeds(size, seen, alpha), fewest_seeds(size, wide, alpha))


def fewest_seeds(size: float, variances: tuple[float, float], alpha: float) -> int | None:
    """Return the smallest number of seeds per arm with which Welch's test has `POWER`, at most `MOST_SEEDS`."""
    return _smallest(lambda seeds: power(size, variances, seeds, alpha) >= POWER, 2, MOST_SEEDS)


def power(size: float, variances: tuple[float, float], seeds: int, alpha: float) -> float:
    """Return the probability that Welch's two-sided test claims a true difference of ``size``, in its direction.

    Under that difference the test statistic follows the noncentral t distribution; its degrees of freedom are those
    of Welch and Satterthwaite for the true variances.
    """
    from scipy.special import nctdtr, stdtrit

    degrees = welch_degrees((variances[0], seeds), (variances[1], seeds))
    critical = float(stdtrit(degrees, 1 - alpha / 2))
    noncentrality = size / math.sqrt(sum(variances) / seeds)
    missed = float(nctdtr(degrees, noncentrality, critical))
    # Far from the critical value scipy's series underflows to NaN; there the outcome is certain.
    return 1 - missed if math.isfinite(missed) else float(noncentrality > critical)


def _smallest(enough: Callable[[int], bool], low: int, high: int) -> int | None:
    """Return the smallest number in [low, high] that is ``enough``, which all larger ones then are too."""
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
