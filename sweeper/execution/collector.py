"""The collector: removes the checkpoints that the policy of a sweep does not keep, while it runs and afterwards.

Of a trial that has ended nothing is touched before its worker has let go of it, which draws pictures from its weights.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.execution.stored import Stored, find_stored, remove_half_written, remove_stored
from sweeper.search import TrialRecord
from sweeper.search.keeping import Parts, keep_within_quota
from sweeper.spec import SweepSettings


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
        folder: Path,
        settings: SweepSettings,
        records: Callable[[], Sequence[TrialRecord]],
        warn: Callable[[str], None],
    ) -> None:
        """Collect in ``folder`` by what ``records`` returns; what goes wrong is told to ``warn``, in a line, once."""
        self._folder = folder
        self._settings = settings
        self._records = records
        self._warn = warn
        self._warned: set[str] = set()
        self._closed: dict[int, Stored] = {}
        """What is left of the trials that have ended and that no worker has anything to do with any more."""

    def closed(self, number: int) -> None:
        """Take in that a worker has let go of a trial, and remove what is not kept any more; see `Care.closed`."""
        records = self._records()
        self._look_at(record for record in records if record.number == number)
        self.remove(self._due(records))

    def collect(self) -> None:
        """Remove what is not kept of all trials that have ended; to be called while no worker is at work.

        So is what workers that were killed have left half written: nobody goes on with those trials.
        """
        records = self._records()
        self.remove(self._survey(records))
        for record in records:
            if record.finished:
                self._tidy(record)

    def survey(self) -> list[Removal]:
        """Return what is to be removed of all trials that have ended; to be called while no worker is at work."""
        return self._survey(self._records())

    def remove(self, removals: Iterable[Removal]) -> list[Removal]:
        """Remove; return what could be removed. What could not is tried again the next time."""
        return [removal for removal in removals if self._remove(removal)]

    def _survey(self, records: Sequence[TrialRecord]) -> list[Removal]:
        self._look_at(records)
        return self._due(records)

    def _look_at(self, records: Iterable[TrialRecord]) -> None:
        """Take in what there is of trials, if they have ended: one that is tried again has been let go of as well."""
        self._closed |= {record.number: self._find(record) for record in records if record.finished}

    def _due(self, records: Sequence[TrialRecord]) -> list[Removal]:
        kept, too_much = keep_within_quota(records, self._settings, self._size)
        if too_much:
            self._warn_once("quota", too_much)
        due = []
        for record in records:
            stored = self._closed.get(record.number, Stored())
            if folders := stored.beside(kept[record.number]):
                due.append(Removal(record, folders, stored.freed_by(folders)))
        return due

    def _size(self, record: TrialRecord, parts: Parts) -> int:
        stored = self._closed.get(record.number)
        return (self._find(record) if stored is None else stored).size(parts)

    def _find(self, record: TrialRecord) -> Stored:
        try:
            return find_stored(self._folder, record.folder)
        except OSError as error:
            self._warn_of(error, record, "read")
            return Stored()

    def _remove(self, removal: Removal) -> bool:
        try:
            remove_stored(self._folder, removal.trial.folder, removal.folders)
        except (FileNotFoundError, BlockingIOError):  # Somebody else was quicker, or is still at work.
            return False
        except OSError as error:
            self._warn_of(error, removal.trial, "removed")
            return False
        finally:
            self._look_at([removal.trial])
        return True

    def _tidy(self, record: TrialRecord) -> None:
        try:
            remove_half_written(self._folder, record.folder)
        except BlockingIOError:  # The worker of a driver that was killed is still at work.
            return
        except OSError as error:
            self._warn_of(error, record, "removed")

    def _warn_of(self, error: OSError, record: TrialRecord, done: str) -> None:
        folder = self._folder / "trials" / record.folder
        self._warn_once("disk", f"{folder}: what is not kept cannot be {done} there ({error.strerror})")

    def _warn_once(self, kind: str, message: str) -> None:
        """Tell of trouble of a kind once: what is wrong with the disk is wrong at every trial's end."""
        if kind not in self._warned:
            self._warned.add(kind)
            self._warn(message)
