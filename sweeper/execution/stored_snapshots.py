"""Checkpoints in snapshots in an object store: looked at, and taken out, without being fetched."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from sweeper.execution.stored import Stored, StoredFile, StoredTrials, holds_checkpoints
from sweeper.execution.stored_on_disk import OnDisk
from sweeper.remote.objects import Objects
from sweeper.remote.trial_objects import TrialObjects


def stored_trials(folder: Path, store: Objects | None) -> StoredTrials:
    """Return the trials of a sweep, whose folder is a copy where it is really in a store."""
    return OnDisk(folder) if store is None else Snapshots(store)


class Snapshots:
    """The trials of a sweep in a store; see `StoredTrials`.

    A worker that is still at work on a trial, as one may be whose driver was killed, is refused once something of the
    trial was removed. What it has to say is nobody's any more: the trial has ended.
    """

    at_once = 16

    def __init__(self, sweep: Objects) -> None:
        self._trials = sweep.below("trials")

    def place(self, trial: str) -> str:
        """Return the address of a trial."""
        return f"{self._trials.url}/{trial}"

    def find(self, trial: str) -> Stored:
        """Return checkpoints; a content that several files have counts once."""
        stored = self._opened(trial)
        stored.read()
        names = Counter(content.hash for content in stored.files.values())
        folders: defaultdict[str, list[StoredFile]] = defaultdict(list)
        for name, content in stored.files.items():
            folder, slash, _ = name.partition("/")
            if slash and holds_checkpoints(folder):
                folders[folder].append(StoredFile(content.hash, content.size, names[content.hash]))
        return Stored.of(folders)

    def remove(self, trial: str, names: Iterable[str]) -> None:
        """Take folders of checkpoints out of the snapshot; the objects that only they needed go then."""
        self._opened(trial).drop(names)

    def remove_half_written(self, trial: str) -> None:
        """Remove the objects that a worker has stored, and was killed before a snapshot named them."""
        self._opened(trial).tidy()

    def _opened(self, trial: str) -> TrialObjects:
        return TrialObjects(self._trials.below(trial))
