"""Several sweeps in one ranking: every arm of one against every arm of the others, by the statistics of one sweep.

Claims are about test values, so that their keys decide on what may be ranked. Within its sweep an arm is represented by
what its own validation chose. Validation values of different sweeps are compared as well where their keys are equal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sweeper.analysis.plain import strict
from sweeper.analysis.results import ArmRecords, SweepResults
from sweeper.analysis.summary import summarize
from sweeper.analysis.table import Table, arm_table
from sweeper.analysis.verdict import Verdict
from sweeper.search import TrialRecord

BETWEEN = ":"
"""Stands between sweep and arm in a label, and in the name of neither."""


@dataclass(frozen=True)
class JointResults:
    """The arms of several sweeps whose values may be ranked against each other; `joining.join` sees to that."""

    sweeps: Mapping[str, SweepResults]
    """By what each is called."""
    searched_alike: bool
    """Whether their validation values may be compared as well."""

    @property
    def question(self) -> str:
        """The question, if all ask the same; else none."""
        questions = {sweep.question for sweep in self.sweeps.values()}
        return questions.pop() if len(questions) == 1 else ""

    @property
    def metric(self) -> str:
        """The validation metric of all."""
        return self._first.metric

    @property
    def test_metric(self) -> str:
        """The same on the test set."""
        return self._first.test_metric

    @property
    def sign(self) -> float:
        """The factor that makes smaller values better ones."""
        return self._first.sign

    @property
    def finals_wanted(self) -> bool:
        """Whether any has finals."""
        return any(sweep.finals_wanted for sweep in self.sweeps.values())

    @cached_property
    def arms(self) -> Mapping[str, ArmRecords]:
        """The records of each arm, by its label."""
        return {label: _relabelled(label, self.sweeps[name].arms[arm]) for label, (name, arm) in self.origins.items()}

    @cached_property
    def origins(self) -> Mapping[str, tuple[str, str]]:
        """Sweep and arm of each label, which is the sweep alone where it has one arm, and the arm of a sweep alone."""
        return {
            self._label(name, arm, len(sweep.spec.arms)): (name, arm)
            for name, sweep in self.sweeps.items()
            for arm in sweep.spec.arms
        }

    def _label(self, name: str, arm: str, arms: int) -> str:
        if len(self.sweeps) == 1:
            return arm
        return name if arms == 1 else f"{name}{BETWEEN}{arm}"

    @property
    def _first(self) -> SweepResults:
        return next(iter(self.sweeps.values()))


def comparison_table(joint: JointResults, verdict: Verdict) -> Table:
    """Return the table of the arms, each beside its sweep."""
    table = arm_table(verdict)
    (rank, _, *headings), rows = table.headings, zip(table.rows, verdict.standings, strict=True)
    return Table(
        (rank, "sweep", "arm", *headings),
        tuple((row[0], *joint.origins[standing.arm], *row[2:]) for row, standing in rows),
    )


def describe_comparison(joint: JointResults, verdict: Verdict) -> dict[str, Any]:
    """Return what `sweeper compare --json` prints; the README of this folder says what each key means."""
    sweeps = [
        {"sweep": name, "path": str(sweep.folder), "question": sweep.question or None, "digest": sweep.spec.digest}
        for name, sweep in joint.sweeps.items()
    ]
    arms = [{"label": label, "sweep": name, "arm": arm} for label, (name, arm) in joint.origins.items()]
    plain: dict[str, Any] = strict({"sweeps": sweeps, "arms": arms, "verdict": summarize(verdict)})
    return plain


def _relabelled(label: str, arm: ArmRecords) -> ArmRecords:
    def renamed(records: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
        return tuple(replace(record, arm=label) for record in records)

    return replace(arm, search=renamed(arm.search), finals=renamed(arm.finals))
