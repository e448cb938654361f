"""A trial that hangs ends its own process, and leaves behind where it hung.

Python's faulthandler waits in a thread in C, so that it also ends a process in which no Python runs any more, as in a
loop of a library that never returns.
"""

import faulthandler
import re
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, ClassVar

from sweeper.spec import Failures
from sweeper.training.failing import ERROR_FILE

HANG_FILE = "hang.txt"
"""While a trial is watched, why its process would end itself; after that has happened, also the stacks of its threads.
"""

_STACKS = "\nTimeout ("
"""How faulthandler begins."""
_WATCHED = re.compile(r"thread 0x([0-9a-f]+)")
_THREAD = re.compile(r"^Thread 0x([0-9a-f]+).*\n((?:  .*\n?)*)", re.MULTILINE)
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
_LIBRARIES = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"), "<frozen")


class Watch:
    """Watches over one trial in this process. Of all watches of a process one at a time can be armed."""

    armed: ClassVar["Watch | None"] = None
    _file: BinaryIO

    def __init__(self, folder: Path, limits: Failures) -> None:
        self._path = folder / HANG_FILE
        self._limits = limits
        self._longest = 0.0

    @contextmanager
    def report(self) -> Iterator[None]:
        """Watch over the work between two reports, and remember how long it took."""
        started = time.monotonic()
        with self.work():
            yield
        self._longest = max(self._longest, time.monotonic() - started)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Watch over work that may take as long as that between two reports."""
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("wb", buffering=0) as self._file:
            try:
                self._arm(1.0)
                yield
            finally:
                faulthandler.cancel_dump_traceback_later()
                Watch.armed = None
                self._path.unlink(missing_ok=True)

    @contextmanager
    def slower(self, times: float) -> Iterator[None]:
        """Allow so many times as long from now on, and afterwards again what is usual."""
        self._arm(times)
        yield
        self._arm(1.0)

    def _arm(self, times: float) -> None:
        """Begin to wait. The reason is written first: faulthandler itself writes nothing but stacks."""
        hang, patience = self._limits.hang, self._limits.patience
        seconds = times * max(patience, hang * self._longest)
        longer = "" if times == 1 else f", {times:,.0f} times that in a test"
        reason = f"no report for {seconds:,.0f} s ({hang:g} times its longest step, at least {patience:g} s{longer})"
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{reason}\nthread {threading.get_ident():#x}\n".encode())
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._file)
        Watch.armed = self


def slower(times: float) -> AbstractContextManager[None]:
    """Let what follows take so many times as long as the work between two reports before it counts as a hang."""
    return nullcontext() if Watch.armed is None else Watch.armed.slower(times)


def take_hang(folder: Path) -> str | None:
    """Return in one line why the process of the trial in ``folder`` ended itself; ``None`` where it did not.

    What it left behind becomes the trial's `ERROR_FILE`.
    """
    file = folder / HANG_FILE
    with suppress(OSError):
        left = file.read_text(errors="replace")
        if _STACKS in left:
            file.replace(folder / ERROR_FILE)
            return left.splitlines()[0] + _where(left)
    return None


def _where(left: str) -> str:
    """Return the place in the watched thread that it had come to, outside of libraries where that is known."""
    watched = _WATCHED.search(left)
    stacks = {int(ident, 16): stack for ident, stack in _THREAD.findall(left)}
    frames = _FRAME.findall(stacks.get(int(watched[1], 16), "")) if watched else []
    ours = [frame for frame in frames if not any(library in frame[0] for library in _LIBRARIES)]
    for file, line, function in (ours or frames)[:1]:
        return f"; it hung in {Path(file).name}:{line} {function}"
    return ""
