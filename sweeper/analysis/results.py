"""A sweep as its folder tells it: the specification, and what every trial came to."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol, Self

from sweeper.search import Phase, TrialRecord, read_records
from sweeper.search.records import State
from sweeper.spec import Spec, read_spec

SPECIFICATION = "sweep.yaml"


@dataclass(frozen=True)
class Repeats:
    """One configuration of the finals: the search trial that found it, and its repetitions with fresh seeds."""

    source: TrialRecord
    finals: tuple[TrialRecord, ...]

    def measured(self, test_metric: str) -> tuple[TrialRecord, ...]:
        """Return the finals that were trained to their end and have a finite value on validation and on test."""
        return tuple(
            final for final in self.finals if is_ranked(final) and math.isfinite(final.test.get(test_metric, math.nan))
        )


@dataclass(frozen=True)
class SweepResults:
    """What is known of a sweep, finished or not."""

    folder: Path
    spec: Spec
    records: tuple[TrialRecord, ...]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the sweep in ``folder``.

        Raises UsageError where its ``sweep.yaml`` is missing or wrong, SweeperError where it has no journal.
        """
        return cls(folder, read_spec(folder / SPECIFICATION), tuple(read_records(folder)))

    @property
    def question(self) -> str:
        """What the sweep is to answer; empty where its file does not say."""
        return self.spec.question or ""

    @property
    def metric(self) -> str:
        """The validation metric that the sweep ranks by, such as ``val/nll``."""
        return self.spec.settings.metric

    @property
    def test_metric(self) -> str:
        """The same metric on the test set: ``test/nll`` for ``val/nll``."""
        return self.spec.settings.test_metric

    @property
    def sign(self) -> float:
        """The factor that makes smaller values better ones."""
        return self.spec.settings.sign

    @property
    def finals_wanted(self) -> bool:
        """Whether the sweep has finals at all."""
        return self.spec.settings.finals is not None

    @property
    def searched_alike(self) -> bool:
        """Always: what is measured in one sweep is measured alike, else `comparable.check_comparable` refuses it."""
        return True

    @cached_property
    def arms(self) -> Mapping[str, "ArmRecords"]:
        """The records of each arm, in the order of the sweep file."""
        return {arm: ArmRecords(self._of(arm, "search"), self._of(arm, "finals"), self.sign) for arm in self.spec.arms}

    def _of(self, arm: str, phase: Phase) -> tuple[TrialRecord, ...]:
        return tuple(record for record in self.records if (record.arm, record.phase) == (arm, phase))


class Contest(Protocol):
    """Arms to be ranked against each other: those of a sweep, or of several."""

    @property
    def question(self) -> str:
        """What is asked; empty where nobody says."""
        ...

    @property
    def metric(self) -> str:
        """The validation metric, by which configurations are chosen."""
        ...

    @property
    def test_metric(self) -> str:
        """The same on the test set, about which claims are made."""
        ...

    @property
    def sign(self) -> float:
        """The factor that makes smaller values better ones."""
        ...

    @property
    def finals_wanted(self) -> bool:
        """Whether there are to be finals."""
        ...

    @property
    def searched_alike(self) -> bool:
        """Whether validation values of different arms may be compared."""
        ...

    @property
    def arms(self) -> Mapping[str, "ArmRecords"]:
        """The records of each arm, by its label, which is that of the records themselves."""
        ...


@dataclass(frozen=True)
class ArmRecords:
    """The trials of one arm."""

    search: tuple[TrialRecord, ...]
    finals: tuple[TrialRecord, ...]
    sign: float
    """The factor that makes smaller values better ones."""

    @cached_property
    def full_length(self) -> tuple[TrialRecord, ...]:
        """The search trials that were trained to their end, best first."""
        ranked = filter(is_ranked, self.search)
        return tuple(sorted(ranked, key=lambda record: (self.sign * value_of(record), record.number)))

    @property
    def best(self) -> TrialRecord | None:
        """The best search trial."""
        return next(iter(self.full_length), None)

    @property
    def median(self) -> float | None:
        """The median validation value of the search trials at full length."""
        return statistics.median(map(value_of, self.full_length)) if self.full_length else None

    def beating(self, value: float) -> int:
        """Return how many search trials at full length are better than ``value``."""
        return sum(self.sign * value_of(record) < self.sign * value for record in self.full_length)

    @cached_property
    def repeats(self) -> tuple[Repeats, ...]:
        """The configurations of the finals, in the order in which the search found them."""
        groups = ((source, self._finals_of(source)) for source in self.search)
        return tuple(Repeats(source, finals) for source, finals in groups if finals)

    def _finals_of(self, source: TrialRecord) -> tuple[TrialRecord, ...]:
        return tuple(final for final in self.finals if final.source == source.number)


def count_states(records: Sequence[TrialRecord]) -> dict[State, int]:
    """Return how many trials are in each state; every state is there, also those of no trial."""
    states: tuple[State, ...] = ("complete", "pruned", "failed", "running", "waiting")
    counts = Counter(record.state for record in records)
    return {state: counts[state] for state in states}


def is_ranked(record: TrialRecord) -> bool:
    """Say whether a trial was trained to its end and has a finite value."""
    return record.state == "complete" and math.isfinite(value_of(record))


def value_of(record: TrialRecord) -> float:
    """Return the validation value of a trial; NaN where it has none."""
    return math.nan if record.value is None else record.value
