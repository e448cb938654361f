"""The collector: removes the checkpoints that the policy of a sweep does not keep, while it runs and afterwards.

Of a trial that has ended nothing is touched before its worker has let go of it, which draws pictures from its weights.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from sweeper.errors import SweeperError
from sweeper.execution.stored import Stored, StoredTrials
from sweeper.remote.objects import ChangedError
from sweeper.search import TrialRecord
from sweeper.search.keeping import Parts, keep_within_quota
from sweeper.search.ranking import Ranking
from sweeper.spec import SweepSettings

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_NOT_NOW = (FileNotFoundError, BlockingIOError, ChangedError)
"""Somebody else was quicker, or is still at work, as the worker of a driver may be that was killed."""
_TROUBLE = (OSError, SweeperError)
"""What is wrong with a disk or a store."""


@dataclass(frozen=True)
class Removal:
    """What is removed of one trial."""

    trial: TrialRecord
    folders: tuple[str, ...]
    """Relative to the trial's folder, such as ``best``."""
    bytes: int
    """What that frees."""


class Collector:
    """Applies the policy of a sweep to its folder; what it found there it remembers, and looks at no trial again."""

    def __init__(
        self,
        trials: StoredTrials,
        settings: SweepSettings,
        records: Callable[[], Sequence[TrialRecord]],
        warn: Callable[[str], None],
    ) -> None:
        """Collect from ``trials`` by what ``records`` returns; what goes wrong is told to ``warn``, in a line, once.

        ``records`` may grow at its end between two calls; each trial keeps its place.
        """
        self._trials = trials
        self._settings = settings
        self._records = records
        self._warn = warn
        self._warning = Lock()
        self._warned: set[str] = set()
        self._closed: dict[int, Stored] = {}
        """What is left of the trials that have ended and that no worker has anything to do with any more."""
        self._places: dict[int, int] = {}
        self._open: set[int] = set()
        """The trials that had not ended when they were last looked at."""
        self._concerned: set[int] = set()
        """All but those of which nothing is left: what a trial's end costs does not grow with the number of trials."""
        self._ranking = Ranking(settings)

    def closed(self, number: int) -> None:
        """Take in that a worker has let go of a trial, and remove what is not kept any more; see `Care.closed`."""
        records = self._records()
        self._follow(records)
        self._look_at([records[self._places[number]]])
        self.remove(self._due(records))

    def collect(self) -> None:
        """Remove what is not kept of all trials that have ended; to be called while no worker is at work.

        So is what workers that were killed have left half written: nobody goes on with those trials.
        """
        records = self._records()
        self.remove(self._survey(records))
        self._each(self._tidy, (record for record in records if record.finished))

    def survey(self) -> list[Removal]:
        """Return what is to be removed of all trials that have ended; to be called while no worker is at work."""
        return self._survey(self._records())

    def remove(self, removals: Iterable[Removal]) -> list[Removal]:
        """Remove; return what could be removed. What could not is tried again the next time."""
        removals = list(removals)
        removed = self._each(self._remove, removals)
        return [removal for removal, is_removed in zip(removals, removed, strict=True) if is_removed]

    def _survey(self, records: Sequence[TrialRecord]) -> list[Removal]:
        self._follow(records)
        self._look_at(records)
        return self._due(records)

    def _follow(self, records: Sequence[TrialRecord]) -> None:
        """Take in which trials have begun since the last time, and which have ended; nothing else has changed."""
        for record in records[len(self._places) :]:
            self._open.add(record.number)
            self._concerned.add(record.number)
            self._places[record.number] = len(self._places)
        ended = [record for number in self._open if (record := records[self._places[number]]).finished]
        for record in ended:
            self._open.remove(record.number)
            self._ranking.add(record)

    def _look_at(self, records: Iterable[TrialRecord]) -> None:
        """Take in what there is of trials, if they have ended: one that is tried again has been let go of as well."""
        ended = [record for record in records if record.finished]
        for record, stored in zip(ended, self._each(self._find, ended), strict=True):
            self._closed[record.number] = stored
            (self._concerned.add if stored.folders else self._concerned.discard)(record.number)

    def _due(self, records: Sequence[TrialRecord]) -> list[Removal]:
        concerned = [records[self._places[number]] for number in sorted(self._concerned)]
        kept, too_much = keep_within_quota(concerned, self._settings, self._size, self._ranking)
        if too_much:
            self._warn_once("quota", too_much)
        due = []
        for record in concerned:
            stored = self._closed.get(record.number, Stored())
            if folders := stored.beside(kept[record.number]):
                due.append(Removal(record, folders, stored.freed_by(folders)))
        return due

    def _size(self, record: TrialRecord, parts: Parts) -> int:
        stored = self._closed.get(record.number)
        return (self._find(record) if stored is None else stored).size(parts)

    def _find(self, record: TrialRecord) -> Stored:
        try:
            return self._trials.find(record.folder)
        except _TROUBLE as error:
            self._warn_of(error, record, "read")
            return Stored()

    def _remove(self, removal: Removal) -> bool:
        try:
            self._trials.remove(removal.trial.folder, removal.folders)
        except _NOT_NOW:
            return False
        except _TROUBLE as error:
            self._warn_of(error, removal.trial, "removed")
            return False
        finally:
            self._look_at([removal.trial])
        return True

    def _tidy(self, record: TrialRecord) -> None:
        try:
            self._trials.remove_half_written(record.folder)
        except _NOT_NOW:
            return
        except _TROUBLE as error:
            self._warn_of(error, record, "removed")

    def _each(self, work: Callable[[_Task], _Result], tasks: Iterable[_Task]) -> list[_Result]:
        """Do work on trials, as many at the same time as is best where they are."""
        if self._trials.at_once == 1:
            return list(map(work, tasks))
        with ThreadPoolExecutor(self._trials.at_once) as pool:
            return list(pool.map(work, tasks))

    def _warn_of(self, error: OSError | SweeperError, record: TrialRecord, done: str) -> None:
        place, reason = self._trials.place(record.folder), error.strerror if isinstance(error, OSError) else error
        self._warn_once("store", f"{place}: what is not kept cannot be {done} there ({reason})")

    def _warn_once(self, kind: str, message: str) -> None:
        """Tell of trouble of a kind once: what is wrong with the disk is wrong at every trial's end."""
        with self._warning:
            if kind not in self._warned:
                self._warned.add(kind)
                self._warn(message)
