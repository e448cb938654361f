"""The curves that trials write, as far as they are whole."""

import logging
from functools import cache
from pathlib import Path

from sweeper.curve_line import Line

_logger = logging.getLogger(__name__)


def read_curve(path: Path) -> list[Line]:
    """Return the whole lines of a curve, none where the file does not exist yet.

    What follows the last line end is still being written and left for later. A line that is none of a curve, such as
    one that a full disk has cut, or that is not as it was written, is skipped and named in the log.
    """
    try:
        whole = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    parsed = [_parse(text, path, number) for number, text in enumerate(whole, start=1)]
    return [line for line in parsed if line is not None]


def _parse(text: bytes, path: Path, number: int) -> Line | None:
    try:
        return Line.from_text(text)
    except ValueError as error:
        _report(path, number, str(error))
        return None


@cache
def _report(path: Path, number: int, reason: str) -> None:
    """Name a broken line once, however often the file is read."""
    _logger.warning("%s:%d: not a line of a curve (%s); skipped", path, number, reason)
