"""The ended trials of a sweep in order, best first, taken in one by one: none of thousands is looked at twice."""

import math
from bisect import insort
from collections.abc import Hashable, Iterable
from typing import TypeVar

from sweeper.search.records import TrialRecord
from sweeper.spec import SweepSettings

Key = TypeVar("Key", bound=Hashable)
Place = tuple[int, float, int]
"""Where a trial stands among all, the first before others: finals, trials of the search, those without a value."""

_WITHOUT_VALUE = 2


class Ranking:
    """Ranks the trials that have ended: finals by value, then trials of the search by value."""

    def __init__(self, settings: SweepSettings, records: Iterable[TrialRecord] = ()) -> None:
        self._settings = settings
        self._places: list[Place] = []
        self._finals: dict[tuple[str, int | None], Place] = {}
        """Of each configuration the best final that was measured."""
        self._searched: dict[str, Place] = {}
        """Of each arm the best search trial at full length."""
        for record in records:
            if record.finished:
                self.add(record)

    def add(self, record: TrialRecord) -> None:
        """Take in a trial that has ended; one without a finite value has no rank."""
        place = self.place(record)
        if place[0] == _WITHOUT_VALUE:
            return
        insort(self._places, place)
        if record.state != "complete":
            return
        if math.isfinite(record.test.get(self._settings.test_metric, math.nan)):
            _keep_first(self._finals, (record.arm, record.source), place)
        if record.phase == "search":
            _keep_first(self._searched, record.arm, place)

    def place(self, record: TrialRecord) -> Place:
        """Return where a trial that has ended stands; less is better."""
        if record.value is None or not math.isfinite(record.value):
            return _WITHOUT_VALUE, 0.0, record.number
        return int(record.phase != "finals"), self._settings.sign * record.value, record.number

    def first(self, count: int | None) -> frozenset[int]:
        """Return the numbers of so many trials that rank first, ``None`` for all that have a rank."""
        return frozenset(number for *_, number in self._places[:count])

    def exportable(self) -> frozenset[int]:
        """Return the numbers of the trials whose weights `export` takes, for any arm, now or after further finals.

        The choice of `sweeper.analysis.export.best_trial` is always among them.
        """
        measured = {arm for arm, _ in self._finals}
        searched = (place for arm, place in self._searched.items() if arm not in measured)
        return frozenset(number for *_, number in (*self._finals.values(), *searched))


def _keep_first(firsts: dict[Key, Place], key: Key, place: Place) -> None:
    firsts[key] = min(place, firsts.get(key, place))
