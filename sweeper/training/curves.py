"""The trial's own curve: one line of JSON per epoch, appended before anything acts on it."""

import time
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from sweeper.curve_line import METRICS, Line
from sweeper.errors import SweeperError
from sweeper.files import opened_durably, write_atomically
from sweeper.strict_json import checksum

TEST = "test/"


class Curve:
    """The ``metrics.jsonl`` of one trial: a line for each epoch, and one for the test metrics of a final."""

    def __init__(self, folder: Path, epoch: int = 0, expected: str | None = None) -> None:
        """Keep the lines up to ``epoch``: a trial that goes on from there writes the others again.

        ``expected`` is the `checksum` after that epoch, where it is known. Raises SweeperError, one line that names the
        file, and leaves it alone, where its lines are others.
        """
        self._path = folder / METRICS
        self._epochs: list[dict[str, float]] = []
        self._test: dict[str, float] = {}
        self._checksum = checksum(b"")
        texts = _texts(self._path)
        kept = [(text, line) for text in texts if (line := _parsed(text)) is not None and line.epoch <= epoch]
        for text, line in kept:
            self._take(text, line)
        if expected not in (None, self._checksum):
            raise SweeperError(_damage(self._path, [line.epoch for _, line in kept], epoch))
        if len(kept) < len(texts):
            write_atomically(self._path, b"".join(text for text, _ in kept))

    def append(self, epoch: int, images: int, seconds: float, metrics: dict[str, float]) -> None:
        """Add what one epoch came to."""
        line = Line(epoch, images, seconds, round(1000 * time.time()), metrics)
        text = line.to_text().encode()
        with opened_durably(self._path, "ab") as file:
            file.write(text)
        self._take(text, line)

    @property
    def epochs(self) -> Sequence[dict[str, float]]:
        """The metrics of every epoch so far, in order, without those on the test set."""
        return self._epochs

    @property
    def checksum(self) -> str:
        """The checksum of the lines of all epochs so far."""
        return self._checksum

    def test_metrics(self) -> dict[str, float]:
        """Return what was measured on the test set; nothing where that was not done yet."""
        return self._test

    def _take(self, text: bytes, line: Line) -> None:
        if _is_of_test(line.metrics):
            self._test = line.metrics
        else:
            self._epochs.append(line.metrics)
            self._checksum = checksum(text, self._checksum)


def last_epoch(folder: Path) -> int:
    """Return the last epoch in the curve of the trial in ``folder`` before any damage, 0 where there is none."""
    lines = map(_parsed, _texts(folder / METRICS))
    return max((line.epoch for line in takewhile(bool, lines) if line is not None), default=0)


def _is_of_test(metrics: Mapping[str, object]) -> bool:
    return bool(metrics) and all(name.startswith(TEST) for name in metrics)


def _texts(path: Path) -> list[bytes]:
    """Return the lines of a file with their ends, which the last one lacks that a kill or a full disk has cut."""
    return path.read_bytes().splitlines(keepends=True) if path.exists() else []


def _parsed(text: bytes) -> Line | None:
    """Return what a line says; None where it is not whole."""
    try:
        return Line.from_text(text.removesuffix(b"\n")) if text.endswith(b"\n") else None
    except ValueError:
        return None


def _damage(path: Path, found: Sequence[int], epoch: int) -> str:
    missing = [number for number in range(1, epoch + 1) if number not in found]
    if missing:
        return f"{path}: the line of epoch {missing[0]} is missing or damaged"
    return f"{path}: its lines are not those that were written up to epoch {epoch}"
