"""Numbers and parameters as people read them: no more digits than mean something, no longer names than tell apart."""

import json
import math
from collections.abc import Mapping
from typing import Any

from sweeper.analysis.intervals import Interval

_UNITS = {"nll": "nats"}
_MOST_DECIMALS = 9


def with_unit(text: str, metric: str) -> str:
    """Return a number with the unit of ``metric``, where it has one."""
    unit = _UNITS.get(metric.rpartition("/")[2])
    return f"{text} {unit}" if unit else text


def significant(value: float) -> str:
    """Return a measured value that has no interval, to four digits."""
    return f"{value:#.4g}" if abs(value) < 1000 else f"{value:.0f}"


def decimals(interval: Interval) -> int:
    """Return how many decimals an interval is written with.

    Two digits of its half width, and where that would write an end as zero which is not, up to two more.
    """
    enough = 1 - _magnitude(interval.half_width)
    nearest = min(abs(interval.low), abs(interval.high))
    return max(0, min(max(enough, min(-_magnitude(nearest), enough + 2)), _MOST_DECIMALS))


def fixed(value: float, places: int) -> str:
    """Return ``value`` with so many decimals; what rounds to zero has no sign."""
    return f"{round(value, places) + 0.0:.{places}f}"


def span(interval: Interval) -> str:
    """Return the ends of an interval."""
    places = decimals(interval)
    return f"{fixed(interval.low, places)} to {fixed(interval.high, places)}"


def measured(value: float, interval: Interval | None) -> str:
    """Return a value to the precision of its interval."""
    return fixed(value, decimals(interval)) if interval else significant(value)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where there is not one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def parameter_list(parameters: Mapping[str, Any]) -> str:
    """Return parameters as ``latent_dim=16, lr=0.00123``: each by the shortest end of its path that no other has."""
    names = short_names(tuple(parameters))
    return ", ".join(f"{names[name]}={_value(value)}" for name, value in parameters.items()) or "no parameters"


def short_names(paths: tuple[str, ...]) -> dict[str, str]:
    """Return for each dotted path its shortest end that is no end of another one."""
    return {path: next(end for end in _ends(path) if _is_unique(end, path, paths)) for path in paths}


def _ends(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[start:]) for start in reversed(range(len(parts)))]


def _is_unique(end: str, path: str, paths: tuple[str, ...]) -> bool:
    return end == path or not any(f".{other}".endswith(f".{end}") for other in paths if other != path)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return value if isinstance(value, str) else json.dumps(value)


def _magnitude(value: float) -> int:
    """Return the power of ten of the first digit of ``value``; that of zero counts as 0."""
    return math.floor(math.log10(abs(value))) if value else 0
