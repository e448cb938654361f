"""The sweep as a state machine over its studies: which trial is next, and what its results mean.

It knows nothing of Ray, processes or time, so that a simulator drives it as well as a cluster does. Everything it
knows it reads from the studies and writes there before it answers, each time as one change: a new `Sweep` over the same
folder goes on where the last one was killed.
"""

import math
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from optuna.trial import TrialState

from sweeper.search.arm import Arm
from sweeper.search.assignment import Assignment
from sweeper.search.plan import allow
from sweeper.search.pruners import make_pruner
from sweeper.search.records import TrialRecord
from sweeper.search.replica import Replica
from sweeper.search.report import Decision, Report
from sweeper.search.roster import Roster
from sweeper.search.running import Running
from sweeper.search.storage import open_storage, readable
from sweeper.spec import Spec


class Sweep:
    """Hands out trials and takes in their results. One process at a time may have one for a folder."""

    def __init__(self, spec: Spec, folder: Path, workers: int, replica: Replica | None = None) -> None:
        self._settings = spec.settings
        self._storage = open_storage(folder, replica)
        allowance = allow(spec, workers)
        with self._storage.change(), readable(folder):
            self._roster = Roster()
            # What somebody else wrote is refused here, and not while trials run.
            self._arms = [Arm(spec, label, self._storage, allowance, self._roster) for label in spec.arms]
            adopted = [running for arm in self._arms for running in arm.adopt()]
        self._running = {running.assignment.number: running for running in adopted}
        self._interrupted = deque(sorted(self._running))

    def next(self, arms: Collection[str] | None = None) -> Assignment | None:
        """Return a trial to begin or to go on with, where ``arms`` are given one of theirs.

        That is ``None`` where none can begin before another has ended.
        """
        interrupted = (number for number in self._interrupted if arms is None or self._arm_of(number) in arms)
        if (number := next(interrupted, None)) is not None:
            self._interrupted.remove(number)
            return self._running[number].assignment
        with self._storage.change():
            running = self._ask([arm for arm in self._arms if arms is None or arm.label in arms])
        if running is None:
            return None
        self._running[running.assignment.number] = running
        return running.assignment

    @property
    def finished(self) -> bool:
        """Whether every trial has ended and no other is due."""
        return not self._running and not any(arm.may_search() or arm.finals_are_due() for arm in self._arms)

    def due(self) -> float:
        """Return how many trials could begin now, or go on, if there were workers for them; see `Arm.due`."""
        return len(self._interrupted) + sum(arm.due() for arm in self._arms)

    def records(self) -> list[TrialRecord]:
        """Return every trial so far, by number."""
        return sorted(self._roster.records, key=lambda record: record.number)

    def trials(self) -> Sequence[TrialRecord]:
        """Return every trial so far without a copy; it grows at its end, and each trial keeps its place in it."""
        return self._roster.records

    def broken_arms(self) -> dict[str, str]:
        """Return why an arm begins no further trials, in one line each, for those of which all trials failed."""
        reasons = {arm.label: arm.why_broken() for arm in self._arms}
        return {label: reason for label, reason in reasons.items() if reason is not None}

    def report(self, number: int, report: Report) -> Decision:
        """Write down what a trial reports, and decide whether it goes on.

        An epoch that is written was decided upon in the same change: a trial that tells it again, since its worker or
        an earlier driver was lost, went on then and goes on now.
        """
        running = self._running[number]
        if report.images in running.curve:
            return Decision.CONTINUE
        with self._change_of(running):
            running.write(report, self._settings.sign)
            goes_on = self._goes_on(running, report)
        if goes_on:
            return Decision.CONTINUE
        del self._running[number]
        return Decision.STOP

    def fail(self, number: int, reason: str) -> None:
        """Write down that a trial failed, with one line that says why."""
        running = self._running[number]
        with self._change_of(running):
            running.end(TrialState.FAIL, reason=reason)
        del self._running[number]

    def requeue(self, number: int) -> None:
        """Hand a trial out again that lost its worker, before any new one."""
        self._interrupted.append(number)

    def enlarge(self, number: int) -> None:
        """Hand a trial out again with twice the share of `sweep.resources` that it had, before any new one."""
        running = self._running[number]
        larger = replace(running.assignment, scale=2 * running.assignment.scale)
        with self._change_of(running):
            running.trial.set_user_attr("scale", larger.scale)
        self._running[number] = replace(running, assignment=larger)
        self.requeue(number)

    def _arm_of(self, number: int) -> str:
        return self._running[number].assignment.arm

    def _ask(self, arms: Sequence[Arm]) -> Running | None:
        """Begin a trial of one of some arms: of the search first, of the arm that has spent least."""
        arm = min((arm for arm in arms if arm.may_search()), key=Arm.spent, default=None)
        if arm is not None:
            return arm.ask_search(self._roster.next_number)
        for arm in self._arms:
            arm.plan_finals(self._roster.next_number)
        waiting = next((arm for arm in arms if arm.has_waiting_final()), None)
        return None if waiting is None else waiting.ask_final()

    @contextmanager
    def _change_of(self, running: Running) -> Iterator[None]:
        """Write down as one change what is written of a trial within, and take it in."""
        with self._storage.change():
            yield
            next(arm for arm in self._arms if arm.label == running.assignment.arm).take(running)

    def _goes_on(self, running: Running, report: Report) -> bool:
        """Decide whether a trial goes on after what it has reported, and write down its end if not."""
        if not math.isfinite(report.value):
            _end_non_finite(running, report, f"{self._settings.metric} is {report.value} after epoch {report.epoch}")
        elif report.done:
            self._complete(running, report)
        elif running.assignment.phase == "search" and (reason := self._reason_to_stop(running, report)):
            running.end(TrialState.PRUNED, reason=reason)
        else:
            return True
        return False

    def _complete(self, running: Running, report: Report) -> None:
        best = min if self._settings.direction == "minimize" else max
        test = {"test": report.test} if report.test else {}
        running.end(TrialState.COMPLETE, best(running.curve.values()), **test)

    def _reason_to_stop(self, running: Running, report: Report) -> str | None:
        """Return why a trial of the search does not go on: a sign of training gone wrong, or its rank."""
        rule = self._settings.stopping
        for sign in rule.signs:
            if sign in report.signs:
                return f"stopped: {sign}: {report.signs[sign]}"
        running.study.pruner = make_pruner(rule, report.images_per_epoch)
        return f"stopped by {rule.name} after epoch {report.epoch}" if running.trial.should_prune() else None


def _end_non_finite(running: Running, report: Report, reason: str) -> None:
    """End a trial whose metric is no number: worst of its rung for the sampler, a failure where it was the end.

    A comparison with NaN is always false, so that left to the stopping rule it would survive every rung.
    """
    running.end(TrialState.FAIL if report.done else TrialState.PRUNED, reason=reason)
