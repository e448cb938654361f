"""The files of a data set: where they are looked for, and that they are what was published."""

import gzip
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.errors import UsageError
from sweeper.training.data.download import download

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
        gzipped_md5: the md5 of the gzipped file as distributed.
        unpacked_md5: the md5 of what is in it.
        mirrors: returns the addresses to download it from, gzipped if they end in ".gz"; the first that works is taken.

    """

    path: str
    gzipped_md5: str
    unpacked_md5: str
    mirrors: Callable[[], Sequence[str]]

    def read(self, folder: Path) -> bytes:
        """Return the unpacked content, downloaded into `folder` first if it is not there.

        Raises:
            UsageError: the file cannot be had, or its md5 is not the published one.

        """
        path = self._found(folder) or self._downloaded(folder)
        content = self._verified(path)
        return gzip.decompress(content) if path.suffix == ".gz" else content

    def _places(self, folder: Path) -> tuple[Path, Path]:
        """Return where it may lie: first unpacked, which is faster to read."""
        return folder / self.path, folder / f"{self.path}.gz"

    def _found(self, folder: Path) -> Path | None:
        try:
            return next((path for path in self._places(folder) if path.is_file()), None)
        except OSError as error:
            raise UsageError(f"cannot look for {self.path} in {folder}: {error.strerror}") from error

    def _verified(self, path: Path) -> bytes:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error
        expected, found = self._published_md5(path), md5(content)
        if found != expected:
            raise UsageError(f"{path} is damaged: its md5 should be {expected} and is {found}; remove or replace it")
        return content

    def _published_md5(self, path: Path) -> str:
        return self.gzipped_md5 if path.suffix == ".gz" else self.unpacked_md5

    def _downloaded(self, folder: Path) -> Path:
        unpacked, gzipped = self._places(folder)
        mirrors = self.mirrors()
        path = gzipped if mirrors[0].endswith(".gz") else unpacked
        try:
            download(mirrors, path, self._published_md5(path))
        except OSError as error:
            raise UsageError(
                f"{path} is missing: put it there, or name the folder of the data sets with --data-dir or SWEEPER_DATA "
                f"(downloading it failed: {error})"
            ) from error
        return path
