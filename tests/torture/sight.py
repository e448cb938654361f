"""What can be seen of a sweep from outside, without asking it: its journal grows, files appear half written."""

from pathlib import Path

from sweeper.search import TrialRecord, read_records
from sweeper.search.storage import JOURNAL


class Sight:
    """A look at the only sweep of a home, which may not have begun yet."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder: Path | None = None
        self._counted = (0, 0)

    @property
    def folder(self) -> Path | None:
        """The sweep's folder, ``None`` before its journal is there."""
        if self._folder is None:
            self._folder = next((journal.parent for journal in self._home.glob(f"*/{JOURNAL}")), None)
        return self._folder

    @property
    def lines(self) -> int:
        """How many whole lines the journal has."""
        journal = self.folder and self.folder / JOURNAL
        if not journal:
            return 0
        size = journal.stat().st_size
        if size != self._counted[0]:
            self._counted = size, journal.read_bytes().count(b"\n")
        return self._counted[1]

    @property
    def half_written(self) -> set[Path]:
        """What in the trials' folders still has the name that it is written under."""
        return set(self.folder.glob("trials/*/*.new")) if self.folder else set()

    @property
    def concluded(self) -> bool:
        """Whether the verdict is written: what is left is to shut down, and to track the rest."""
        return self.folder is not None and (self.folder / "verdict.txt").exists()

    def running(self) -> str:
        """Return in a few words what the sweep is at."""
        if self.concluded:
            return "the end"
        records = read_records(self.folder) if self.folder else []
        trials = ", ".join(_shown(record) for record in records if record.state == "running")
        ended = sum(record.finished for record in records)
        return f"{ended} ended, {trials or 'no trial running'}" if records else "the start"


def _shown(record: TrialRecord) -> str:
    return f"{record.phase} {record.number} {record.arm} after epoch {record.epochs}"
