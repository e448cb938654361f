"""Between the sweep and whatever runs its trials: hands out jobs, takes in what comes back.

Ray Tune and the simulator both talk to this and to nothing else, so that what is tested without Ray is what runs
on it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from sweeper.disk import DiskError
from sweeper.errors import SweeperError
from sweeper.execution.listener import Listener
from sweeper.execution.losses import Loss, Losses
from sweeper.execution.machines import Machines
from sweeper.execution.placement import Seat
from sweeper.search import Assignment, Decision, Report, Sweep
from sweeper.spec import Spec
from sweeper.tracking import mask
from sweeper.training.job import EpochResult, Failure, Job, Outcome, final_evaluation, search_evaluation

Claim: TypeAlias = tuple[str, int]
"""What a trial takes of the machines, by its arm and its scale."""


@dataclass(frozen=True)
class Workplace:
    """Where trials run, as far as it is not the sweep's own business."""

    folder: Path
    data_dir: Path | None
    workers: int
    device: str = "cpu"
    store: str | None = None
    """Where the sweep is of which ``folder`` is a copy, such as ``s3://bucket/sweeps/first``."""
    largest: int = 1
    """How many times the share of one of them a trial may have at most: with that it has a whole machine or GPU."""
    machines: Machines | None = None
    """Those of a cluster, which say how many workers there are at a time; ``None`` where that stays the same."""
    seats: Mapping[str, Seat] = field(default_factory=dict)
    """Of those arms whose trials have another device, or another largest share."""
    has_room: Callable[[Sequence[Claim], Claim], bool] | None = None
    """Says whether a trial finds room beside others; ``None`` where it is the same for trials of all arms."""

    def seat(self, arm: str) -> Seat:
        """Return what every trial of an arm has."""
        return self.seats.get(arm) or Seat(self.device, self.largest)


@dataclass(frozen=True)
class Care:
    """What is done for a sweep beside its trials."""

    check: Callable[[], None] = lambda: None
    """Called before a job is handed out and before a result is written; raises SweeperError where this driver must
    stop, such as where another one has taken its sweep over."""
    closed: Callable[[int], None] = lambda number: None  # noqa: ARG005
    """Called with the number of a trial into whose folder nothing more will be written."""


class Dispatcher:
    """Jobs out, results in; no more jobs at once than there are workers."""

    def __init__(
        self,
        sweep: Sweep,
        spec: Spec,
        place: Workplace,
        listener: Listener,
        care: Care = Care(),
    ) -> None:
        self._sweep = sweep
        self._settings = spec.settings
        self._place = place
        self._listener = listener
        self._care = care
        self._in_work: dict[int, Assignment] = {}
        self._waiting: Assignment | None = None
        self._losses = Losses()
        self._broken: set[str] = set()

    @property
    def workers(self) -> int:
        """How many jobs are out at once, at most."""
        return self._place.workers if self._place.machines is None else self._place.machines.room()

    @property
    def finished(self) -> bool:
        """Whether nothing is left to hand out or to wait for."""
        return not self._in_work and self._sweep.finished

    def next(self) -> Job | None:
        """Return the next job, or ``None`` where there is none before another result has come in.

        A trial with a larger share takes the places of several workers. Until they are free, nothing else begins, which
        could take them again.
        """
        job = self._next()
        if job is None and self._place.machines is not None:
            self._place.machines.ask(self._sweep.due)
        return job

    def hold(self) -> None:
        """Begin nothing, and want no room for it either: a trial with a larger share waits for what there is."""
        if self._place.machines is not None:
            self._place.machines.ask(lambda: 0)

    def _next(self) -> Job | None:
        free = self.workers - sum(map(self._places, self._in_work.values()))
        if free < 1:
            return None
        self._care.check()
        assignment, self._waiting = self._waiting or self._sweep.next(self._arms_with_room()), None
        if assignment is None:
            return None
        if self._places(assignment) > free or (self._in_work and not self._has_room(_claim(assignment))):
            self._waiting = assignment
            return None
        self._in_work[assignment.number] = assignment
        self._listener.begun(assignment)
        return self._job(assignment)

    def arm(self, number: int) -> str:
        """Return the arm of a trial that is handed out."""
        return self._in_work[number].arm

    def take(self, number: int, outcome: Outcome) -> Decision:
        """Take in what a trial came to; say whether the trial goes on."""
        self._care.check()
        if isinstance(outcome, Failure):
            self._take_failure(number, outcome)
            return Decision.STOP
        return self._take_epoch(number, outcome)

    def take_closed(self, number: int) -> None:
        """Take in that a trial's worker has let go of it: nothing more will be written into its folder."""
        if number not in self._in_work:
            self._care.closed(number)

    def take_loss(self, number: int, loss: Loss) -> None:
        """Take in that a trial's worker is gone: the trial goes on elsewhere from its last checkpoint."""
        self._care.check()
        if loss.kind == "out_of_memory":
            self._take_want_of_memory(number, loss.reason)
        elif given_up := self._losses.count(number, loss):
            self._fail(number, given_up)
            self._care.closed(number)
        else:
            assignment = self._in_work.pop(number)
            self._sweep.requeue(number)
            self._warn(assignment, f"{loss.reason}; goes on from its last checkpoint")

    def _take_epoch(self, number: int, result: EpochResult) -> Decision:
        self._losses.progressed(number, result.epoch)
        assignment = self._in_work[number]
        report = Report(
            epoch=result.epoch,
            images=result.images,
            value=self._value(number, result),
            done=result.done,
            test=result.test,
            measured={name: value for name, value in result.metrics.items() if name.startswith(self._split)},
            keys=result.keys,
            signs=result.signs,
            seconds=result.seconds,
        )
        decision = self._sweep.report(number, report)
        if decision is Decision.STOP:
            del self._in_work[number]
        self._listener.reported(assignment, report, decision)
        for note in result.notes:
            self._listener.warned(f"trial {number}: {note}")
        return decision

    def _take_failure(self, number: int, failure: Failure) -> None:
        """Take in why a trial cannot go on. Another try would repeat a defect of its model or its configuration."""
        if failure.kind == "storage":  # No fault of the trial: it stays as it is, and goes on when the sweep does.
            raise DiskError(mask(failure.reason))
        if failure.kind == "out_of_memory":
            self._take_want_of_memory(number, failure.reason)
        else:
            self._fail(number, failure.reason)

    def _take_want_of_memory(self, number: int, reason: str) -> None:
        """Let a trial try again from its last checkpoint with twice its share, as long as there is more to have."""
        seat = self._place.seat(self.arm(number))
        if self._in_work[number].scale >= seat.largest:
            self._fail(number, f"{reason} with all of the {'machine' if seat.device == 'cpu' else 'GPU'}")
            return
        assignment = self._in_work.pop(number)
        self._sweep.enlarge(number)
        self._warn(assignment, f"{reason}; goes on from its last checkpoint with twice the share")

    def _fail(self, number: int, reason: str) -> None:
        assignment, reason = self._in_work.pop(number), mask(reason)
        self._sweep.fail(number, reason)
        self._listener.failed(assignment, reason)
        for arm, why in self._sweep.broken_arms().items():
            if arm not in self._broken:
                self._broken.add(arm)
                self._listener.warned(why)

    def _warn(self, assignment: Assignment, what: str) -> None:
        self._listener.warned(mask(f"trial {assignment.number} ({assignment.arm}): {what}"))

    def _arms_with_room(self) -> list[str] | None:
        """Return the arms of which a trial finds room, ``None`` for all: the only trial may wait for its machine."""
        if self._place.has_room is None:
            return None
        arms = [arm for arm in self._place.seats if self._has_room((arm, 1))]
        return arms if arms or self._in_work else None

    def _has_room(self, claim: Claim) -> bool:
        taken = list(map(_claim, self._in_work.values()))
        return self._place.has_room is None or self._place.has_room(taken, claim)

    def _places(self, assignment: Assignment) -> int:
        """Return of how many workers a trial takes the places."""
        return min(assignment.scale, self.workers)

    @property
    def _split(self) -> str:
        """How the names of those metrics begin that are measured where the sweep ranks: "val/"."""
        return self._settings.metric.partition("/")[0] + "/"

    def _value(self, number: int, result: EpochResult) -> float:
        metric = self._settings.metric
        if metric not in result.metrics:
            raise SweeperError(f"trial {number} reported no {metric!r}; it reported: {', '.join(result.metrics)}")
        return result.metrics[metric]

    def _job(self, assignment: Assignment) -> Job:
        measure = final_evaluation if assignment.phase == "finals" else search_evaluation
        return Job(
            number=assignment.number,
            config=assignment.config,
            seed=assignment.seed,
            folder=self._place.folder / "trials" / assignment.folder,
            store=None if self._place.store is None else f"{self._place.store}/trials/{assignment.folder}",
            evaluation=measure(self._settings),
            data_dir=self._place.data_dir,
            device=self._place.seat(assignment.arm).device,
            threads=self._settings.resources.of(assignment.arm).threads,
            scale=assignment.scale,
        )


def _claim(assignment: Assignment) -> Claim:
    return assignment.arm, assignment.scale
