"""The files of a folder by what is in them; what has not changed is not read again."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from sweeper.remote.manifest import Content

_Status = tuple[int, int, int, int]
"""Device, inode, size in bytes and time of the last change in nanoseconds."""


class LocalFiles:
    """The regular files below a folder; symbolic links lead nowhere."""

    def __init__(self, folder: Path, ignored: Sequence[str] = ()) -> None:
        """Leave out files and folders whose name matches one of ``ignored``, such as ``*.new``."""
        self._folder = folder
        self._ignored = ignored
        self._known: dict[_Status, Content] = {}

    def scan(self) -> dict[str, Content]:
        """Return what is in each file, by its name relative to the folder."""
        statuses = {name: _status(self._folder / name) for name in self._names()}
        self._known = {
            status: self._known.get(status) or _content(self._folder / name, status)
            for name, status in statuses.items()
        }
        return {name: self._known[status] for name, status in statuses.items()}

    def path(self, name: str) -> Path:
        """Return where a file is."""
        return self._folder / name

    def content(self, name: str) -> Content:
        """Return what is in a file."""
        return _content(self._folder / name, _status(self._folder / name))

    def repeat(self, name: str, other: str) -> None:
        """Give the content of a file to another one, as a hard link where the file system has them.

        A file at the top is copied: its owner may append to it.
        """
        source, target = self._folder / name, self._folder / other
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if "/" in name and "/" in other:
            try:
                os.link(source, target)
                return
            except OSError:  # A file system without hard links.
                pass
        shutil.copyfile(source, target)

    def remove(self, name: str) -> None:
        """Remove a file; that it is gone already is no fault."""
        (self._folder / name).unlink(missing_ok=True)

    def _names(self) -> Iterator[str]:
        for place, folders, names in os.walk(self._folder):
            folders[:] = [name for name in folders if not self._is_ignored(name)]
            for name in names:
                path = Path(place, name)
                if path.is_file() and not path.is_symlink() and not self._is_ignored(name):
                    yield path.relative_to(self._folder).as_posix()

    def _is_ignored(self, name: str) -> bool:
        return any(fnmatch(name, pattern) for pattern in self._ignored)


def _status(path: Path) -> _Status:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _content(path: Path, status: _Status) -> Content:
    with path.open("rb") as file:
        return Content(hashlib.file_digest(file, "sha256").hexdigest(), status[2])
