"""The trial's own curve: one line of JSON per epoch, appended before anything acts on it."""

import json
import os
import time
from pathlib import Path

from sweeper.training.files import write_atomically

CURVE = "metrics.jsonl"


class Curve:
    """The ``metrics.jsonl`` of one trial, with no line after ``epoch``: a resumed trial writes those again."""

    def __init__(self, folder: Path, epoch: int = 0) -> None:
        self._path = folder / CURVE
        if self._path.exists():
            kept = [line for line in _whole_lines(self._path) if json.loads(line)["epoch"] <= epoch]
            write_atomically(self._path, b"".join(kept))

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
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())


def last_epoch(folder: Path) -> int:
    """Return the last epoch that is written in the curve of the trial in ``folder``, 0 where there is none."""
    path = folder / CURVE
    lines = _whole_lines(path) if path.exists() else []
    return int(json.loads(lines[-1])["epoch"]) if lines else 0


def _whole_lines(path: Path) -> list[bytes]:
    """Return the lines that were written to their end; a kill may have cut the last one."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
