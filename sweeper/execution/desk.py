"""A trial's desk: the folder in which a worker trains it, and how what is in there outlives worker and node.

A trial whose home is a disk is trained in its own folder. One whose home is an object store is trained in a scratch
folder of the worker's node, which is a copy: fetched before the trial begins, and pushed before anybody is told of what
has come of it.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from sweeper.errors import UsageError
from sweeper.execution.scratch import ScratchFolder
from sweeper.files import UNFINISHED
from sweeper.remote.objects import Objects, StoreError
from sweeper.remote.opening import open_objects
from sweeper.remote.snapshot import TrialCopy
from sweeper.training.failing import ERROR_FILE
from sweeper.training.hang import HANG_FILE
from sweeper.training.holding import LOCK, held
from sweeper.training.job import Job

PASSING = (f"*{UNFINISHED}", LOCK, HANG_FILE)
"""Names of files and folders that belong to the process which works on a trial, and not to the trial."""


class Desk(Protocol):
    """Where one trial is worked on."""

    @property
    def folder(self) -> Path:
        """The folder in which it is trained, there as long as it is taken."""
        ...

    def taken(self) -> AbstractContextManager[Sequence[str]]:
        """Have the trial to oneself as long as the context lasts, with all that there is of it in the folder.

        Yields what has befallen its files, each in one line. Raises OSError and StoreError where disk or store are of
        no use.
        """
        ...

    def save(self) -> None:
        """Make what is in the folder outlive this process and its node.

        Raises StoreError where that fails, and ChangedError where another worker has taken the trial.
        """
        ...


def desk_of(job: Job) -> Desk:
    """Return where a trial is worked on."""
    return OwnFolder(job.folder) if job.store is None else Copy(job.store)


class OwnFolder:
    """The trial's own folder, on a disk: what is written there is where it belongs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def taken(self) -> Iterator[Sequence[str]]:
        """Hold the folder's lock; see `Desk.taken`."""
        with held(self.folder):
            yield ()

    def save(self) -> None:
        """Do nothing: a run writes everything down itself."""


class Copy:
    """A copy, on this node, of a trial in an object store."""

    _copy: TrialCopy

    def __init__(self, store: str) -> None:
        self._store = store
        self._scratch = ScratchFolder(store)

    @property
    def folder(self) -> Path:
        """The scratch folder."""
        return self._scratch.path

    @contextmanager
    def taken(self) -> Iterator[Sequence[str]]:
        """Claim the trial, so that every worker before this one is refused; see `Desk.taken`."""
        with self._scratch.made() as hang:
            self._copy = TrialCopy(self._objects(), self.folder, PASSING)
            notes = self._copy.claim()
            if hang is not None:
                (self.folder / ERROR_FILE).write_text(hang.stacks)
                notes.append(f"its worker before this one hung: {hang.reason}")
            yield notes

    def save(self) -> None:
        """Push."""
        self._copy.push()

    def _objects(self) -> Objects:
        try:
            return open_objects(self._store)
        except UsageError as error:  # Of this node, and no fault of the trial.
            raise StoreError(str(error)) from error
