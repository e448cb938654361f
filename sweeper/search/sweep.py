"""The sweep as a state machine over its studies: which trial is next, and what its results mean.

It knows nothing of Ray, processes or time, so that a simulator drives it as well as a cluster does. Everything it
knows it reads from the studies and writes there before it answers: a new `Sweep` over the same folder goes on where
the last one was killed.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from optuna.trial import TrialState

from sweeper.comparability import Key
from sweeper.search.arm import Arm, Asked
from sweeper.search.assignment import Assignment
from sweeper.search.plan import allow
from sweeper.search.pruners import make_pruner
from sweeper.search.records import TrialRecord
from sweeper.search.storage import PHASES, open_storage
from sweeper.spec import Spec


class Decision(Enum):
    """What a trial does after it has reported."""

    CONTINUE = "continue"
    STOP = "stop"


@dataclass(frozen=True)
class Report:
    """What a trial says after an epoch."""

    epoch: int
    images: int
    """Images seen since the trial began, counted in whole epochs of the training split."""
    value: float
    """The validation metric that the sweep ranks by."""
    done: bool
    """Whether this was the last epoch of the trial's configuration."""
    test: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    """Everything that was measured on validation, the value among it."""
    keys: dict[str, Key] = field(default_factory=dict)
    """The comparability keys of metrics, on validation and on test."""
    signs: dict[str, str] = field(default_factory=dict)
    """What goes wrong in training, by the name of the sign, with the rule and the value that show it."""


class Sweep:
    """Hands out trials and takes in their results. One process at a time may have one for a folder."""

    def __init__(self, spec: Spec, folder: Path, workers: int) -> None:
        self._spec = spec
        storage = open_storage(folder)
        allowance = allow(spec, workers)
        self._arms = [Arm(spec, label, storage, allowance) for label in spec.arms]
        self._running: dict[int, Asked] = {}
        adopted = [self._begin(asked) for arm in self._arms for asked in arm.adopt()]
        self._interrupted = deque(sorted(adopted, key=lambda assignment: assignment.number))

    def next(self) -> Assignment | None:
        """Return a trial to begin or to go on with; ``None`` where none can begin before another has ended."""
        if self._interrupted:
            return self._interrupted.popleft()
        arm = min((arm for arm in self._arms if arm.may_search()), key=Arm.spent, default=None)
        if arm is not None:
            return self._begin(arm.ask_search(self._next_number()))
        for arm in self._arms:
            arm.plan_finals(self._next_number())
        waiting = next((arm for arm in self._arms if arm.has_waiting_final()), None)
        return None if waiting is None else self._begin(waiting.ask_final())

    @property
    def finished(self) -> bool:
        """Whether every trial has ended and no other is due."""
        return not self._running and not self._interrupted and not self._more_is_due()

    def records(self) -> list[TrialRecord]:
        """Return every trial so far, by number."""
        records = [record for arm in self._arms for phase in PHASES for record in arm.records(phase)]
        return sorted(records, key=lambda record: record.number)

    def report(self, number: int, report: Report) -> Decision:
        """Write down what a trial reports, and decide whether it goes on. Telling the same epoch twice is harmless."""
        running = self._running[number]
        self._write(running, report)
        if not math.isfinite(report.value):
            return self._stop_non_finite(number, report)
        if report.done:
            return self._complete(number, report)
        reason = self._reason_to_stop(running, report) if running.assignment.phase == "search" else None
        return self._prune(number, reason) if reason else Decision.CONTINUE

    def fail(self, number: int, reason: str) -> None:
        """Write down that a trial failed, with one line that says why."""
        running = self._running.pop(number)
        running.trial.set_user_attr("reason", reason)
        running.study.tell(running.trial, state=TrialState.FAIL)

    def requeue(self, number: int) -> None:
        """Hand a trial out again that lost its worker, before any new one."""
        self._interrupted.append(self._running[number].assignment)

    def _write(self, running: Asked, report: Report) -> None:
        """Write down what is told beside the decision; what is known already is not written again."""
        attributes = running.trial.user_attrs
        told: dict[str, Any] = {
            "images_per_epoch": report.images // report.epoch,
            "keys": {metric: key.to_json() for metric, key in report.keys.items()},
            "signs": report.signs,
        }
        if report.images not in running.curve and self._improves(report.value, running.curve):
            told["measured"] = report.measured
        for name, content in told.items():
            if content != attributes.get(name, {}):
                running.trial.set_user_attr(name, content)
        if report.images not in running.curve:
            running.trial.report(report.value, step=report.images)
            running.curve[report.images] = report.value

    def _improves(self, value: float, curve: Mapping[int, float]) -> bool:
        """Say whether a value is better than all of a curve; the first is, whatever it is."""
        sign = self._spec.settings.sign
        return all(sign * value < sign * before for before in curve.values())

    def _begin(self, asked: Asked) -> Assignment:
        self._running[asked.assignment.number] = asked
        return asked.assignment

    def _next_number(self) -> int:
        return max((record.number for record in self.records()), default=-1) + 1

    def _more_is_due(self) -> bool:
        for arm in self._arms:
            if arm.may_search() or arm.has_waiting_final():
                return True
        return any(arm.plan_finals(self._next_number()) for arm in self._arms)

    def _reason_to_stop(self, running: Asked, report: Report) -> str | None:
        """Return why a trial of the search does not go on: a sign of training gone wrong, or its rank."""
        rule = self._spec.settings.stopping
        for sign in rule.signs:
            if sign in report.signs:
                return f"stopped: {sign}: {report.signs[sign]}"
        return f"stopped by {rule.name} after epoch {report.epoch}" if self._falls_behind(running, report) else None

    def _falls_behind(self, running: Asked, report: Report) -> bool:
        images_per_epoch = report.images // report.epoch
        running.study.pruner = make_pruner(self._spec.settings.stopping, images_per_epoch)
        return running.trial.should_prune()

    def _stop_non_finite(self, number: int, report: Report) -> Decision:
        """Stop a trial whose metric is no number: worst of its rung for the sampler, a failure where it was the end.

        A comparison with NaN is always false, so that left to the stopping rule it would survive every rung.
        """
        reason = f"{self._spec.settings.metric} is {report.value} after epoch {report.epoch}"
        if not report.done:
            return self._prune(number, reason)
        self.fail(number, reason)
        return Decision.STOP

    def _prune(self, number: int, reason: str) -> Decision:
        running = self._running.pop(number)
        running.trial.set_user_attr("reason", reason)
        running.study.tell(running.trial, state=TrialState.PRUNED)
        return Decision.STOP

    def _complete(self, number: int, report: Report) -> Decision:
        running = self._running.pop(number)
        if report.test:
            running.trial.set_user_attr("test", report.test)
        best = min if self._spec.settings.direction == "minimize" else max
        running.study.tell(running.trial, best(running.curve.values()))
        return Decision.STOP
