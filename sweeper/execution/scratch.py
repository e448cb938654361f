"""Scratch folders of a node: one for each trial that a worker there has a copy of, gone when it lets go of it.

A worker that is killed leaves its folder behind. It held a lock in there, which the kernel has taken back; by that the
next worker on the node knows such folders, and removes them.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sweeper.disk import described
from sweeper.locking import HeldError, locked
from sweeper.remote.objects import StoreError
from sweeper.training.failing import ERROR_FILE
from sweeper.training.hang import take_hang
from sweeper.training.holding import LOCK

_NAME_LENGTH = 12
"""Hexadecimal digits that tell apart trials, and processes that work on one."""


@dataclass(frozen=True)
class Hang:
    """What a worker that hung has left behind."""

    reason: str
    stacks: str


class ScratchFolder:
    """A folder of this process alone, to work in on one trial."""

    def __init__(self, trial: str) -> None:
        """Name a folder for the trial at an address, such as ``s3://bucket/sweeps/first/trials/0001``."""
        digest = hashlib.sha256(trial.encode()).hexdigest()
        self._trial = f"{trial.rstrip('/').rpartition('/')[2]}-{digest[:_NAME_LENGTH]}-"
        self.path = _root() / f"{self._trial}{uuid4().hex[:_NAME_LENGTH]}"

    @contextmanager
    def made(self) -> Iterator[Hang | None]:
        """Make the folder, for its owner alone, and remove it in the end.

        Yields what a worker has left that had this trial on this node before and hung. Raises StoreError where there is
        no place for such a folder.
        """
        with ExitStack() as stack:
            try:
                hang = self._make(stack)
            except OSError as error:
                raise StoreError(described(error, self.path)) from error
            yield hang

    def _make(self, stack: ExitStack) -> Hang | None:
        root = self.path.parent
        _make_own(root)
        with locked(root / LOCK, wait=True):  # Lest a folder without its lock yet be taken for one that was left.
            hang = self._remove_left()
            self.path.mkdir(mode=0o700)
            stack.callback(shutil.rmtree, self.path, ignore_errors=True)
            stack.enter_context(locked(self.path / LOCK, wait=False))
        return hang

    def _remove_left(self) -> Hang | None:
        """Remove folders of workers that were killed; return what one has left that had this trial and hung."""
        hang = None
        for folder in self.path.parent.iterdir():
            if folder.is_dir() and _is_left(folder):
                if folder.name.startswith(self._trial):
                    hang = _hang(folder) or hang
                shutil.rmtree(folder)
        return hang


def _root() -> Path:
    """Return the folder of this user's scratch folders: below SWEEPER_CACHE, else where temporary files are."""
    return Path(os.environ.get("SWEEPER_CACHE") or tempfile.gettempdir()).absolute() / f"sweeper-{os.getuid()}"


def _make_own(folder: Path) -> None:
    """Make a folder that nobody else can look into or has put there, as anybody might in a folder of temporary files.

    Raises StoreError where there is another one.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StoreError(f"{folder}: must be a folder of this user's alone; remove it, or set SWEEPER_CACHE")


def _hang(folder: Path) -> Hang | None:
    reason = take_hang(folder)
    return None if reason is None else Hang(reason, (folder / ERROR_FILE).read_text(errors="replace"))


def _is_left(folder: Path) -> bool:
    try:
        with locked(folder / LOCK, wait=False):
            return True
    except HeldError:
        return False
