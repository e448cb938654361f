"""What is shown beside the metric that ranks: its floor, and what else was measured of the same weights."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from sweeper.analysis.formatting import significant
from sweeper.search import TrialRecord

BESIDE = ("fld", "fld_floor", "modes", "kid", "bits_per_dim", "active_units")
"""What is worth a column of a table where it was measured, in the order of the columns."""


def floor_of(metric: str, measured: Mapping[str, float]) -> float | None:
    """Return what real images come to in place of samples, if it was measured: ``val/fld_floor`` for ``val/fld``."""
    return measured.get(f"{metric}_floor")


def with_floor(shown: str, floor: float | None) -> str:
    """Return a value as it is shown, with its floor where there is one."""
    return shown if floor is None else f"{shown} (floor {significant(floor)})"


def columns(metric: str, measured: Iterable[Mapping[str, float]]) -> tuple[str, ...]:
    """Return the names, on the split of ``metric``, of what else is worth a column: whatever was measured of any."""
    known = {name for values in measured for name in values}
    split = metric.partition("/")[0]
    return tuple(name for kind in BESIDE if (name := f"{split}/{kind}") in known and name != metric)


def headings(names: Iterable[str]) -> tuple[str, ...]:
    """Return the headings of such columns: the names without their split."""
    return tuple(name.partition("/")[2] for name in names)


def cell(name: str, measured: Mapping[str, float], nothing: str) -> str:
    """Return the cell of a column: counts, or their means, with as many digits as they have; else four digits."""
    value = measured.get(name)
    if value is None:
        return nothing
    return f"{value:.0f}" if math.isfinite(value) and value == round(value) else significant(value)


def means(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each number that was measured every time."""
    names = [name for name in measured[0] if all(name in values for values in measured)] if measured else []
    return {name: fmean(values[name] for values in measured) for name in names}


def signs_of(records: Sequence[TrialRecord]) -> str:
    """Return the early signs of some trials, each with the number of trials that have it where there are several."""
    counts = Counter(sign for record in records for sign in record.signs)
    return ", ".join(sign if len(records) == 1 else f"{sign} {n}/{len(records)}" for sign, n in counts.items())
