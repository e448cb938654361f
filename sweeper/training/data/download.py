"""Fetching one file from the first mirror that has it, by torchvision."""

import io
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from http.client import HTTPException
from pathlib import Path

from sweeper.files import copy_atomically

PATIENCE = 20.0
"""Seconds that a mirror may be silent; torchvision itself would wait for ever."""


def download(mirrors: Sequence[str], target: Path, md5: str) -> None:
    """Write the file to `target`, at once as a whole, so that processes on many machines may do the same.

    Args:
        mirrors: addresses of the same file, tried in turn.
        target: where to write it; its folders are made.
        md5: of the file as published.

    Raises:
        OSError: no mirror sent the published content, or it cannot be written; the message is one line.

    """
    with tempfile.TemporaryDirectory(prefix="sweeper-download-") as folder:
        genuine = _first_genuine(mirrors, md5, Path(folder))
        target.parent.mkdir(parents=True, exist_ok=True)
        with genuine.open("rb") as file:
            copy_atomically(file, target)


def _first_genuine(mirrors: Sequence[str], md5: str, folder: Path) -> Path:
    """Return where the published file lies, in a temporary ``folder``."""
    from torchvision.datasets.utils import download_url  # Takes seconds to import, and is rarely needed.

    failures = []
    for number, url in enumerate(mirrors):
        with _quiet(), _patience(PATIENCE):
            try:
                download_url(url, folder, str(number), md5)
            except (OSError, HTTPException, RuntimeError) as error:  # The last is torchvision's for a wrong md5.
                failures.append(f"{url}: {' '.join(str(error).split()) or type(error).__name__}")
                continue
        return folder / str(number)
    raise OSError("; ".join(failures))


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Limit how long a new connection may be silent; torchvision takes no limit of ours, so it is the process's."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _quiet() -> redirect_stderr[io.StringIO]:
    """Keep torchvision's progress bar off the terminal, which may show a live table."""
    return redirect_stderr(io.StringIO())
