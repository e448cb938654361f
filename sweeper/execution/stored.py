"""The checkpoints in a trial's folder: what they take on the disk, and their removal, which never follows a link.

A folder is renamed before anything in it is removed, so that a kill leaves either the whole of it or a leftover under
a name that nothing reads; leftovers go the next time.
"""

import errno
import fcntl
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sweeper.search.keeping import Parts
from sweeper.training.files import UNFINISHED, temporary_name
from sweeper.training.hang import HANG_FILE
from sweeper.training.holding import LOCK

Identity = tuple[int, int]
"""Device and inode: equal for two names of one file."""

_OURS = re.compile(rf"(best|last)(\.previous|\..+{re.escape(UNFINISHED)})?")
"""The folders of checkpoints, as training names them: of each part the one in use, then those before and after it."""
_REAL_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NOTHING_OF_OURS = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""How the system says that a folder is not there, or is a link."""


@dataclass(frozen=True)
class Stored:
    """The checkpoints that are in a trial's folder."""

    folders: Mapping[str, Mapping[Identity, int]] = field(default_factory=dict)
    """Folder by folder the bytes of each file; 0 of one that has a name elsewhere as well, which removing leaves."""

    def size(self, parts: Parts) -> int:
        """Return the bytes that parts take together; a file that has several names counts once."""
        return self._bytes(name for name in self.folders if name.partition(".")[0] in parts)

    def beside(self, parts: Parts) -> tuple[str, ...]:
        """Return the folders that are none of ``parts``, in the order in which they may go.

        What was left beside a part goes whether that is kept or not, and goes first, lest it take the part's place.
        """
        return tuple(sorted((name for name in self.folders if name not in parts), reverse=True))

    def freed_by(self, names: tuple[str, ...]) -> int:
        """Return the bytes that are free when these folders have been removed and the others have not."""
        return self._bytes(self.folders) - self._bytes(name for name in self.folders if name not in names)

    def _bytes(self, names: Iterable[str]) -> int:
        files: dict[Identity, int] = {}
        for name in names:
            files |= self.folders[name]
        return sum(files.values())


def find_stored(sweep: Path, trial: str) -> Stored:
    """Return the checkpoints in the folder of a trial; none where that folder, or ``trials/``, is gone or a link."""
    try:
        with _opened(sweep, trial) as folder, os.scandir(folder) as entries:
            ours = [entry.name for entry in entries if _OURS.fullmatch(entry.name) and _is_real_folder(entry)]
            statuses = {name: list(_statuses(name, folder)) for name in ours}
    except OSError as error:
        if error.errno in _NOTHING_OF_OURS:
            return Stored()
        raise
    names = Counter(_identity(status) for found in statuses.values() for status in found)
    return Stored(
        {
            folder: {
                _identity(status): status.st_size if names[_identity(status)] == status.st_nlink else 0
                for status in found
            }
            for folder, found in statuses.items()
        }
    )


def remove_stored(sweep: Path, trial: str, names: Iterable[str]) -> None:
    """Remove folders of checkpoints, found by `find_stored`, from the folder of a trial.

    Raises BlockingIOError where a worker is still at work there, as one may be whose driver was killed, and OSError.
    """
    with _opened(sweep, trial) as folder, _let_go(folder):
        for name in names:
            leftover = name
            if not name.endswith(UNFINISHED):
                leftover = temporary_name(Path(name)).name
                os.rename(name, leftover, src_dir_fd=folder, dst_dir_fd=folder)
            shutil.rmtree(leftover, dir_fd=folder)


def remove_half_written(sweep: Path, trial: str) -> None:
    """Remove the files that a worker which was killed has left half written in the folder of a trial that has ended.

    Raises as `remove_stored` does, but for a folder that is gone or a link.
    """
    try:
        with _opened(sweep, trial) as folder, _let_go(folder):
            for _, _, files, descriptor in os.fwalk(".", follow_symlinks=False, dir_fd=folder):
                for name in files:
                    if name.endswith(UNFINISHED) or name == HANG_FILE:
                        os.unlink(name, dir_fd=descriptor)
    except OSError as error:
        if error.errno not in _NOTHING_OF_OURS:
            raise


@contextmanager
def _opened(sweep: Path, trial: str) -> Iterator[int]:
    """Open the folder of a trial, which cannot be exchanged for a link any more then."""
    if os.sep in trial:  # A name that somebody made up in a journal.
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), trial)
    trials = os.open(sweep / "trials", _REAL_FOLDER)
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


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino
