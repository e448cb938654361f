"""Trials as records that are kept up to date one by one.

Only a trial in work changes. Were all of them read anew for each result, what a result costs would grow with their
number.
"""

from collections.abc import Sequence

from sweeper.search.records import TrialRecord


class Roster:
    """The trials of a sweep, or of one of its studies, in the order in which they were taken in."""

    def __init__(self) -> None:
        self._records: list[TrialRecord] = []
        self._seconds: list[float] = []
        self._places: dict[int, int] = {}
        self._open: set[int] = set()
        self._next_number = 0

    def take(self, record: TrialRecord) -> None:
        """Take in a trial that is new, or has changed."""
        place = self._places.setdefault(record.number, len(self._records))
        self._records[place : place + 1] = [record]
        self._seconds[place : place + 1] = [record.seconds or 0.0]
        (self._open.discard if record.finished else self._open.add)(record.number)
        self._next_number = max(self._next_number, record.number + 1)

    @property
    def records(self) -> Sequence[TrialRecord]:
        """Every trial as it is now; grows at its end, and keeps each trial in its place."""
        return self._records

    @property
    def all_finished(self) -> bool:
        """Whether every trial has ended."""
        return not self._open

    @property
    def seconds(self) -> float:
        """Seconds of training of all trials together."""
        return sum(self._seconds)

    @property
    def next_number(self) -> int:
        """The number of the next trial."""
        return self._next_number
