"""Which processes of a command live, found by a mark that all of them inherit in their environment."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "SWEEPER_TORTURE"
WORKER = "ray::Worker"
"""How Ray names a process that trains: by the class of its actor."""
MIRROR = "-m sweeper.tracking"


@dataclass(frozen=True)
class Living:
    """The processes that a command with this mark has started, itself included, however far they have moved away."""

    mark: str

    def all(self) -> dict[int, str]:
        """Return the command line of each process by its id; one that has ended and is not waited for is none."""
        return dict(self._found())

    def of(self, words: str) -> int | None:
        """Return a process with ``words`` in its command line, the oldest; ``None`` where there is none."""
        return min((process for process, command in self._found() if words in command), default=None)

    def _found(self) -> Iterator[tuple[int, str]]:
        wanted = f"{VARIABLE}={self.mark}".encode()
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal() and wanted in _read(folder / "environ").split(b"\0"):
                yield int(folder.name), _read(folder / "cmdline").replace(b"\0", b" ").decode(errors="replace")


def marked(environment: dict[str, str], mark: str) -> dict[str, str]:
    """Return the environment with which a command's processes bear ``mark``."""
    return environment | {VARIABLE: mark}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # It has ended in this moment, or is another user's.
        return b""


def kill(process: int, signal: int) -> bool:
    """Send ``signal`` to a process; return whether it was there to get it."""
    try:
        os.kill(process, signal)
    except ProcessLookupError:
        return False
    return True
