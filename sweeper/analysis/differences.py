"""Differences between arms: Welch's interval for two of them, Holm's correction for many."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sweeper.analysis.intervals import ALPHA, Interval, Sample


@dataclass(frozen=True)
class Difference:
    """The difference of two means whose variances may differ (Welch 1947, Biometrika 34).

    Finals never share a seed between arms, so that the two samples are independent.
    """

    value: float
    standard_error: float
    degrees: float
    """Degrees of freedom after Welch and Satterthwaite."""

    @property
    def reversed(self) -> "Difference":
        """The second mean minus the first."""
        return replace(self, value=-self.value)

    @property
    def p_value(self) -> float:
        """The two-sided probability of a difference this large or larger between equal means."""
        from scipy.special import stdtr

        return 2 * float(stdtr(self.degrees, -abs(self.value) / self.standard_error))

    def interval(self, alpha: float = ALPHA) -> Interval:
        """Return the interval that misses the true difference with probability ``alpha``."""
        from scipy.special import stdtrit

        half_width = float(stdtrit(self.degrees, 1 - alpha / 2)) * self.standard_error
        return Interval(self.value - half_width, self.value + half_width)


def difference(first: Sample, second: Sample) -> Difference | None:
    """Return the mean of ``first`` minus the mean of ``second``.

    ``None`` where a sample shows no spread to judge it by: one seed, or seeds that all gave the same value. Welch's
    method could do with the spread of the other one, but a coarse metric often repeats a value by chance.
    """
    if not first.variance or not second.variance:
        return None
    return Difference(
        first.mean - second.mean,
        standard_error=math.sqrt(first.variance / first.size + second.variance / second.size),
        degrees=welch_degrees((first.variance, first.size), (second.variance, second.size)),
    )


def welch_degrees(first: tuple[float, int], second: tuple[float, int]) -> float:
    """Return the degrees of freedom of a difference of two means, each with its variance and its number of values."""
    parts = (first[0] / first[1], second[0] / second[1])
    # The shares of the squared error, rather than the parts themselves, so that tiny variances do not underflow.
    shares = (parts[0] / sum(parts), parts[1] / sum(parts))
    return 1 / (shares[0] ** 2 / (first[1] - 1) + shares[1] ** 2 / (second[1] - 1))


def holm_levels(p_values: Sequence[float], alpha: float = ALPHA) -> list[float]:
    """Return the level at which Holm's method (1979, Scand. J. Statist. 6) tests each of several comparisons.

    The smallest p value is tested at alpha / m, the next at alpha / (m - 1), and so on until one is above its level,
    which then holds for all that are left. A comparison is a claim exactly if its p value is at most its level, and
    the interval at that level then excludes zero; with probability 1 - alpha no claim is false.
    """
    levels = [alpha] * len(p_values)
    failed_at: float | None = None
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        level = alpha / (len(p_values) - rank) if failed_at is None else failed_at
        if p_values[index] > level:
            failed_at = level
        levels[index] = level
    return levels
