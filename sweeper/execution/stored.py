"""The checkpoints of trials: what they take where they are stored, and how they are reached there."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, Self

from sweeper.files import UNFINISHED
from sweeper.search.keeping import Parts

_OURS = re.compile(rf"(best|last)(\.previous|\..+{re.escape(UNFINISHED)})?")


def holds_checkpoints(name: str) -> bool:
    """Say whether a folder in that of a trial is one of checkpoints, by the names that training gives them.

    Of each part that is the one in use, and those before and after it.
    """
    return _OURS.fullmatch(name) is not None


class StoredFile(NamedTuple):
    """One name of what is stored once."""

    identity: Hashable
    """Equal for all names of it: device and inode, or the hash of its content."""
    size: int
    """In bytes."""
    names: int
    """How many there are, anywhere."""


@dataclass(frozen=True)
class Stored:
    """The checkpoints that are in a trial's folder."""

    folders: Mapping[str, Mapping[Hashable, int]] = field(default_factory=dict)
    """Folder by folder the bytes of each file; 0 of one that has a name elsewhere as well, which removing leaves."""

    @classmethod
    def of(cls, found: Mapping[str, Iterable[StoredFile]]) -> Self:
        """Return what is in folders of checkpoints, given by the files in each."""
        folders = {folder: list(files) for folder, files in found.items()}
        here = Counter(file.identity for files in folders.values() for file in files)
        return cls(
            {
                folder: {file.identity: file.size if here[file.identity] == file.names else 0 for file in files}
                for folder, files in folders.items()
            }
        )

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
        files: dict[Hashable, int] = {}
        for name in names:
            files |= self.folders[name]
        return sum(files.values())


class StoredTrials(Protocol):
    """Where the folders of a sweep's trials are stored. Its methods may be called by several threads."""

    @property
    def at_once(self) -> int:
        """How many trials it is quickest to look at at the same time."""
        ...

    def place(self, trial: str) -> str:
        """Return where a trial is, as people name it."""
        ...

    def find(self, trial: str) -> Stored:
        """Return the checkpoints of a trial; none where there is no such trial. Raises OSError and SweeperError."""
        ...

    def remove(self, trial: str, names: Iterable[str]) -> None:
        """Remove folders of checkpoints that were found.

        Raises FileNotFoundError, BlockingIOError or ChangedError where somebody else was quicker, or is at work there;
        otherwise as `find` does.
        """
        ...

    def remove_half_written(self, trial: str) -> None:
        """Remove what a worker which was killed has left half written of a trial that has ended; raises as `remove`."""
        ...
