"""Objects in a store such as S3: bytes under keys, replaced only by who knows what they were.

A write that names what it replaces is refused where somebody else was quicker. All that has one writer at a time is
written that way, so that a writer that was cut off and comes back finds out, and changes nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NewType, Protocol, Self

from sweeper.errors import SweeperError

Version = NewType("Version", str)
"""Which content of an object it is."""


class StoreError(SweeperError):
    """The store does not answer, or refuses: one line that says where and why."""


class ChangedError(SweeperError):
    """An object is not what its writer last knew of it: somebody else writes it as well."""


@dataclass(frozen=True)
class Found:
    """An object as it was read."""

    content: bytes
    version: Version


@dataclass(frozen=True)
class Listed:
    """An object as the store lists it, without its content."""

    version: Version
    modified: float
    """Seconds since 1970, by the clock of the store."""


class Objects(Protocol):
    """The objects whose keys begin with one prefix. Every method raises StoreError where the store is of no use."""

    @property
    def url(self) -> str:
        """Where they are, without a slash at the end, such as ``s3://bucket/sweeps``."""
        ...

    def below(self, name: str) -> Self:
        """Return the objects in the folder ``name``."""
        ...

    def folders(self) -> list[str]:
        """Return the names of the folders that have objects in them."""
        ...

    def here(self) -> dict[str, Listed]:
        """Return, by key, the objects that are in none of the folders."""
        ...

    def keys(self) -> Iterator[str]:
        """Yield the key of every object, those in folders included."""
        ...

    def read(self, key: str) -> Found | None:
        """Return an object, ``None`` where there is none."""
        ...

    def write(self, key: str, content: bytes, replacing: Version | None) -> Version:
        """Write an object in the place of the one that was read, or where there is none (``None``).

        Raises ChangedError, with nothing written, where there is another one.
        """
        ...

    def put(self, key: str, content: bytes) -> None:
        """Write an object, whatever was there."""
        ...

    def send(self, key: str, path: Path) -> None:
        """Write the content of a file of any size, whatever was there."""
        ...

    def fetch(self, key: str, path: Path) -> bool:
        """Write an object of any size to a file, which appears as a whole; return whether there is such an object."""
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are no fault."""
        ...
