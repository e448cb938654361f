"""Checkpoints in folders on a disk: what they take there, and their removal, which never follows a link.

A folder is renamed before anything in it is removed, so that a kill leaves either the whole of it or a leftover under
a name that nothing reads; leftovers go the next time.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sweeper.execution.stored import Stored, StoredFile, holds_checkpoints
from sweeper.files import UNFINISHED, temporary_name
from sweeper.training.hang import HANG_FILE
from sweeper.training.holding import LOCK

_REAL_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NOTHING_OF_OURS = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""How the system says that a folder is not there, or is a link."""


class OnDisk:
    """The trials in the folder of a sweep; see `StoredTrials`."""

    at_once = 1

    def __init__(self, sweep: Path) -> None:
        self._sweep = sweep

    def place(self, trial: str) -> str:
        """Return the folder of a trial."""
        return str(self._sweep / "trials" / trial)

    def find(self, trial: str) -> Stored:
        """Return checkpoints; none where the trial's folder, or ``trials/``, is gone or a link."""
        try:
            with self._opened(trial) as folder, os.scandir(folder) as entries:
                ours = [entry.name for entry in entries if holds_checkpoints(entry.name) and _is_real_folder(entry)]
                return Stored.of({name: map(_file, _statuses(name, folder)) for name in ours})
        except OSError as error:
            if error.errno in _NOTHING_OF_OURS:
                return Stored()
            raise

    def remove(self, trial: str, names: Iterable[str]) -> None:
        """Remove folders of checkpoints; the worker of a driver that was killed may be at work there still."""
        with self._opened(trial) as folder, _let_go(folder):
            for name in names:
                leftover = name
                if not name.endswith(UNFINISHED):
                    leftover = temporary_name(Path(name)).name
                    os.rename(name, leftover, src_dir_fd=folder, dst_dir_fd=folder)
                shutil.rmtree(leftover, dir_fd=folder)

    def remove_half_written(self, trial: str) -> None:
        """Remove files; raises as `remove` does, but for a folder that is gone or a link."""
        try:
            with self._opened(trial) as folder, _let_go(folder):
                for _, _, files, descriptor in os.fwalk(".", follow_symlinks=False, dir_fd=folder):
                    for name in files:
                        if name.endswith(UNFINISHED) or name == HANG_FILE:
                            os.unlink(name, dir_fd=descriptor)
        except OSError as error:
            if error.errno not in _NOTHING_OF_OURS:
                raise

    @contextmanager
    def _opened(self, trial: str) -> Iterator[int]:
        """Open the folder of a trial, which cannot be exchanged for a link any more then."""
        if os.sep in trial:  # A name that somebody made up in a journal.
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), trial)
        trials = os.open(self._sweep / "trials", _REAL_FOLDER)
        try:
            folder = os.open(trial, _REAL_FOLDER, dir_fd=trials)
        finally:
            os.close(trials)
        try:
            yield folder
        finally:
            os.close(folder)


@contextmanager
def _let_go(folder: int) -> Iterator[None]:
    """Hold the lock that a worker holds as long as it writes into the folder of a trial."""
    try:
        lock = os.open(LOCK, os.O_RDWR | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:  # No worker was ever there.
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)


def _statuses(name: str, folder: int) -> Iterator[os.stat_result]:
    """Yield the status of every file in a folder that may be written to meanwhile."""
    with suppress(FileNotFoundError):
        for _, _, files, descriptor in os.fwalk(name, follow_symlinks=False, dir_fd=folder):
            for file in files:
                with suppress(FileNotFoundError):
                    yield os.stat(file, dir_fd=descriptor, follow_symlinks=False)


def _is_real_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _file(status: os.stat_result) -> StoredFile:
    return StoredFile((status.st_dev, status.st_ino), status.st_size, status.st_nlink)
