"""The trial's own curve: one line of JSON per epoch, appended before anything acts on it."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeper.training import strict_json
from sweeper.training.files import write_atomically

CURVE = "metrics.jsonl"
TEST = "test/"


class Curve:
    """The ``metrics.jsonl`` of one trial: a line for each epoch, and one for the test metrics of a final."""

    def __init__(self, folder: Path, epoch: int = 0) -> None:
        """Keep the lines up to ``epoch``: a trial that goes on from there writes the others again."""
        self._path = folder / CURVE
        lines = _lines(self._path)
        kept = [line for line in lines if 0 < _epoch(line) <= epoch]
        if kept != lines:
            write_atomically(self._path, b"".join(kept))
        metrics = (strict_json.floats(_parsed(line)["metrics"]) for line in kept)
        self._epochs = [measured for measured in metrics if not _is_of_test(measured)]

    def append(self, epoch: int, images: int, seconds: float, metrics: dict[str, float]) -> None:
        """Add what one epoch came to."""
        line = {
            "epoch": epoch,
            "images": images,
            "seconds": round(seconds, 6),
            "timestamp": round(time.time(), 3),
            "metrics": metrics,
        }
        with self._path.open("a") as file:
            file.write(strict_json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if not _is_of_test(metrics):
            self._epochs.append(metrics)

    @property
    def epochs(self) -> Sequence[dict[str, float]]:
        """The metrics of every epoch so far, in order, without those on the test set."""
        return self._epochs

    def test_metrics(self) -> dict[str, float]:
        """Return what was measured on the test set; nothing where that was not done yet."""
        metrics = [_parsed(line)["metrics"] for line in _lines(self._path)[-1:]]
        return strict_json.floats(metrics[0]) if metrics and _is_of_test(metrics[0]) else {}


def last_epoch(folder: Path) -> int:
    """Return the last epoch that is written in the curve of the trial in ``folder``, 0 where there is none."""
    return max(map(_epoch, _lines(folder / CURVE)), default=0)


def _is_of_test(metrics: Mapping[str, object]) -> bool:
    return all(name.startswith(TEST) for name in metrics)


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def _epoch(line: bytes) -> int:
    """Return the epoch of a line; 0 of one that is no line of a curve, or that a kill or a full disk has cut."""
    content = _parsed(line) if line.endswith(b"\n") else {}
    epoch = content.get("epoch")
    return epoch if isinstance(epoch, int) else 0


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
