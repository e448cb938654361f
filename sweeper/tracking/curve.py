"""A trial's own record of its training, `metrics.jsonl`: one JSON object per epoch, appended while it trains."""

import json
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

METRICS = "metrics.jsonl"
LARGEST_COUNT = 2**53
"""Up to here floating point counts exactly, and every database has room."""
NON_FINITE = ("NaN", "Infinity", "-Infinity")
"""What a trial writes where a number is not finite; strict JSON has no other way."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """What was measured after an epoch."""

    epoch: int
    images: int
    """Images seen since the trial began."""
    seconds: float
    """Seconds of training since the trial began."""
    timestamp: int
    """Milliseconds since 1970."""
    metrics: dict[str, float]


def read_curve(path: Path) -> list[Line]:
    """Return the whole lines of a curve, none where the file does not exist yet.

    What follows the last line end is still being written and left for later. A line that is none of a curve, such as
    one that a full disk has cut, is skipped and named in the log.
    """
    try:
        whole = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    parsed = [_parse(text, path, number) for number, text in enumerate(whole, start=1)]
    return [line for line in parsed if line is not None]


def _parse(text: bytes, path: Path, number: int) -> Line | None:
    try:
        return _line(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        _report(path, number, str(error))
        return None


def _line(content: dict[str, Any]) -> Line:
    return Line(
        epoch=_count(content["epoch"]),
        images=_count(content["images"]),
        seconds=_number(content["seconds"]),
        timestamp=_count(1000 * _number(content["timestamp"])),
        metrics={name: _number(value) for name, value in content["metrics"].items()},
    )


def _number(value: Any) -> float:
    if value in NON_FINITE:
        return float(value)
    if not isinstance(value, int | float):
        raise TypeError(f"found {value!r}; must be a number")
    return float(value)


def _count(value: Any) -> int:
    number = _number(value)
    if not 0 <= number <= LARGEST_COUNT:
        raise ValueError(f"found {value}; must be from 0 to {LARGEST_COUNT}")
    return round(number)


@cache
def _report(path: Path, number: int, reason: str) -> None:
    """Name a broken line once, however often the file is read."""
    _logger.warning("%s:%d: not a line of a curve (%s); skipped", path, number, reason)
