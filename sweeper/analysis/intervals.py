"""What a few seeds say about a mean: its spread, and the 95 % interval of Student's t."""

import math
import statistics
from dataclasses import dataclass
from functools import cached_property

ALPHA = 0.05
"""The share of intervals that may miss the truth, and of sweeps of equal arms that may claim a difference."""


@dataclass(frozen=True)
class Interval:
    """Where a quantity lies, both ends included."""

    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the distance between the ends."""
        return (self.high - self.low) / 2

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Sample:
    """One metric of one configuration, measured once for each of several seeds.

    Raises ValueError where there is no value, or one that is not finite: a mean over such values means nothing.
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values or not all(map(math.isfinite, self.values)):
            raise ValueError(f"found {self.values}; must be one finite value or more")

    @property
    def size(self) -> int:
        """The number of seeds."""
        return len(self.values)

    @cached_property
    def mean(self) -> float:
        """The mean over the seeds."""
        return statistics.fmean(self.values)

    @cached_property
    def variance(self) -> float | None:
        """The unbiased variance over the seeds; ``None`` for one seed, which says nothing about spread.

        Exactly zero where all values are equal: `statistics` sums fractions, not rounded floats.
        """
        return statistics.variance(self.values) if self.size > 1 else None

    @property
    def spread(self) -> float | None:
        """The standard deviation over the seeds, in the metric's unit; ``None`` for one seed."""
        return None if self.variance is None else math.sqrt(self.variance)

    def interval(self, alpha: float = ALPHA) -> Interval | None:
        """Return Student's interval of the mean over all seeds that might have been drawn.

        ``None`` for one seed, and where all seeds gave the same value: an interval of no width would claim a
        certainty that a few equal values do not give.
        """
        if not self.variance:
            return None
        from scipy.special import stdtrit  # scipy.special takes 0.2 s to import, scipy.stats over 1 s.

        half_width = float(stdtrit(self.size - 1, 1 - alpha / 2)) * math.sqrt(self.variance / self.size)
        return Interval(self.mean - half_width, self.mean + half_width)
