"""A line of a trial's own record of its training, `metrics.jsonl`: one JSON object per epoch, with a checksum."""

from dataclasses import dataclass
from typing import Any, Self

from sweeper import strict_json

METRICS = "metrics.jsonl"
LARGEST_COUNT = 2**53
"""Up to here floating point counts exactly, and every database has room."""
NON_FINITE = ("NaN", "Infinity", "-Infinity")
"""What strict JSON has where a number is not finite."""


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

    def to_text(self) -> str:
        """Return the line, ended, as it stands in the file, where timestamps are seconds."""
        content = {
            "epoch": self.epoch,
            "images": self.images,
            "seconds": round(self.seconds, 6),
            "timestamp": self.timestamp / 1000,
            "metrics": self.metrics,
        }
        return strict_json.seal(strict_json.dumps(content)) + "\n"

    @classmethod
    def from_text(cls, text: bytes) -> Self:
        """Read a line without its end; raise ValueError for anything but what `to_text` wrote."""
        content = strict_json.unseal(text)
        try:
            return cls(
                epoch=_count(content["epoch"]),
                images=_count(content["images"]),
                seconds=_number(content["seconds"]),
                timestamp=_count(1000 * _number(content["timestamp"])),
                metrics={name: _number(value) for name, value in content["metrics"].items()},
            )
        except KeyError as error:
            raise ValueError(f"it has no {error}") from error
        except (TypeError, AttributeError, OverflowError) as error:
            raise ValueError(str(error)) from error


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
