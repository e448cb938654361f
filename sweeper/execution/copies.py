"""Sweeps whose home is an object store, copied here: what is read of them, and what their driver works on.

The store is the truth. What nobody works on at the moment may be removed here, and is fetched again.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sweeper.errors import SweeperError
from sweeper.execution.ownership import Ownership, owned
from sweeper.locking import locked
from sweeper.remote.homes import Home
from sweeper.remote.objects import Objects
from sweeper.remote.snapshot import TrialCopy
from sweeper.remote.working_copy import WorkingCopy, lies_in_both
from sweeper.search.places import fetch_journal
from sweeper.search.storage import JOURNAL

READ = ("sweep.yaml", "verdict.txt")
"""What is read of a sweep beside its journal."""

_LOCK = "reading.lock"
_AT_ONCE = 8
"""Sweeps that are fetched at the same time."""


def read(home: Home, sweep: str) -> Path:
    """Return the folder in which a sweep of a home can be read, as it is now.

    Other processes may read there at the same time: a file is replaced as a whole.
    """
    folder, store = home.path / sweep, home.store(sweep)
    if store is not None:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / _LOCK, wait=True):
            WorkingCopy(store, folder, READ.__contains__).pull()
            fetch_journal(folder, store)
    return folder


def read_all(home: Home, sweeps: Sequence[str]) -> list[Path]:
    """Return the folders in which several sweeps can be read."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda sweep: read(home, sweep), sweeps))


def fetch_part(home: Home, sweep: str, trial: str, part: str) -> None:
    """Bring a part of a trial's folder, such as ``best``, into the folder in which its sweep is read."""
    store = home.store(sweep)
    if store is not None:
        folder = home.path / sweep / "trials" / trial
        folder.mkdir(parents=True, exist_ok=True)
        TrialCopy(store.below("trials").below(trial), folder).fetch([part])


@dataclass(frozen=True)
class Driven:
    """A sweep that this process, and no other, works on."""

    folder: Path
    store: Objects | None
    """Where it really is; ``None`` where that is the folder."""
    ownership: Ownership

    def push(self) -> None:
        """Send what lies at the top of the folder to the store; raise SweeperError where the sweep is ours no more."""
        if self.store is not None:
            self.ownership.confirm()
            WorkingCopy(self.store, self.folder, _is_copied).push()

    @contextmanager
    def pushed(self) -> Iterator[None]:
        """Push at the end, whatever it is."""
        try:
            yield
        except BaseException:
            with suppress(SweeperError):  # What went wrong first is what is told.
                self.push()
            raise
        self.push()

    def remove(self, name: str) -> None:
        """Remove a file from the top of the folder; that it is gone already is no fault."""
        (self.folder / name).unlink(missing_ok=True)
        if self.store is not None:
            self.store.remove([name])


@contextmanager
def driven(home: Home, sweep: str) -> Iterator[Driven]:
    """Own a sweep as long as the context lasts; see `owned`. Its journal is its writer's to fetch."""
    folder, store = home.workplace(sweep), home.store(sweep)
    if store is not None:
        (folder / "trials").mkdir(parents=True, exist_ok=True)
    with owned(folder, store) as ownership:
        if store is not None:
            WorkingCopy(store, folder, _is_copied).pull()
        yield Driven(folder, store, ownership)


def _is_copied(name: str) -> bool:
    """Say whether a file at the top of a sweep's folder is in its store under the same name, as the journal is not."""
    return lies_in_both(name) and name != JOURNAL
