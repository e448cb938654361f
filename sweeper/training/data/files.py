"""The files of a data set: where they are looked for, and that they are what was published."""

import gzip
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sweeper.errors import UsageError
from sweeper.training.data.download import download
from sweeper.training.once import by_one_process

DEFAULT_FOLDER = Path("~/.cache/sweeper/data")


def data_folder(data_dir: Path | None) -> Path:
    """Return the folder of all data sets: `data_dir`, else the environment's SWEEPER_DATA, else ~/.cache/sweeper/data.

    It is absolute, because workers run in a folder of their own.
    """
    folder = data_dir or Path(os.environ.get("SWEEPER_DATA") or DEFAULT_FOLDER)
    return folder.expanduser().absolute()


def md5(content: bytes) -> str:
    """Return the md5 as data sets publish it, in hexadecimal: it tells damage, and protects against nobody."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class DataFile:
    """One file of a data set, which may lie in the data folder gzipped or unpacked.

    Attributes:
        path: its path below the data folder, unpacked; the gzipped file has ".gz" added.
        gzipped_md5: the md5 of the gzipped file as distributed; None for a file that is not distributed gzipped.
        unpacked_md5: the md5 of what is in it.
        mirrors: returns the addresses to download it from, gzipped if they end in ".gz"; the first that works is taken.

    """

    path: str
    gzipped_md5: str | None
    unpacked_md5: str
    mirrors: Callable[[], Sequence[str]]

    def read(self, folder: Path) -> bytes:
        """Return the unpacked content, downloaded into `folder` first if it is not there.

        Raises:
            UsageError: the file cannot be had, or its md5 is not the published one.

        """
        path, published = self._found(folder) or self._fetched(folder)
        with _telling(path):
            content = path.read_bytes()
        _compare(path, md5(content), published)
        return gzip.decompress(content) if path.name != Path(self.path).name else content

    def locate(self, folder: Path) -> Path:
        """Return where the file lies, gzipped or not, downloaded into `folder` first if it is not there.

        For a file that is too large to be read at once.

        Raises:
            UsageError: as `read`.

        """
        path, published = self._found(folder) or self._fetched(folder)
        with _telling(path), path.open("rb") as file:
            found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        _compare(path, found, published)
        return path

    def _places(self, folder: Path) -> dict[Path, str]:
        """Return where it may lie, first unpacked, which is faster to read, with its md5 there."""
        unpacked = {folder / self.path: self.unpacked_md5}
        return unpacked if self.gzipped_md5 is None else unpacked | {folder / f"{self.path}.gz": self.gzipped_md5}

    def _found(self, folder: Path) -> tuple[Path, str] | None:
        try:
            return next((place for place in self._places(folder).items() if place[0].is_file()), None)
        except OSError as error:
            raise UsageError(f"cannot look for {self.path} in {folder}: {error.strerror}") from error

    def _fetched(self, folder: Path) -> tuple[Path, str]:
        """Return the file that another process of this machine has fetched in the meantime, else download it."""
        with by_one_process(folder / self.path):
            return self._found(folder) or self._downloaded(folder)

    def _downloaded(self, folder: Path) -> tuple[Path, str]:
        mirrors = self.mirrors()
        unpacked, *gzipped = self._places(folder).items()
        path, published = gzipped[0] if gzipped and mirrors[0].endswith(".gz") else unpacked
        try:
            download(mirrors, path, published)
        except OSError as error:
            raise UsageError(
                f"{path} is missing: put it there, or name the folder of the data sets with --data-dir or SWEEPER_DATA "
                f"(downloading it failed: {error})"
            ) from error
        return path, published


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _compare(path: Path, found: str, published: str) -> None:
    if found != published:
        raise UsageError(f"{path} is damaged: its md5 should be {published} and is {found}; remove or replace it")
