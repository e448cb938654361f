"""Between the sweep and whatever runs its trials: hands out jobs, takes in what comes back.

Ray Tune and the simulator both talk to this and to nothing else, so that what is tested without Ray is what runs
on it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweeper.errors import SweeperError
from sweeper.execution.listener import Listener
from sweeper.search import Assignment, Decision, Report, Sweep
from sweeper.spec import Spec
from sweeper.training.job import EpochResult, Failure, Job, Outcome, final_evaluation, search_evaluation

MOST_WORKER_LOSSES = 3
"""A trial that lost its worker this often is more likely the cause than the victim."""

MOST_LOSSES_IN_A_ROW = 6
"""Workers that die before any has trained an epoch cannot work here at all."""


@dataclass(frozen=True)
class Workplace:
    """Where trials run, as far as it is not the sweep's own business."""

    folder: Path
    data_dir: Path | None
    workers: int
    device: str


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
        self._losses: Counter[int] = Counter()
        self._losses_in_a_row = 0

    @property
    def workers(self) -> int:
        """How many jobs are out at once, at most."""
        return self._place.workers

    @property
    def finished(self) -> bool:
        """Whether nothing is left to hand out or to wait for."""
        return not self._in_work and self._sweep.finished

    def next(self) -> Job | None:
        """Return the next job, or ``None`` where there is none before another result has come in."""
        if len(self._in_work) >= self._place.workers:
            return None
        self._care.check()
        assignment = self._sweep.next()
        if assignment is None:
            return None
        self._in_work[assignment.number] = assignment
        self._listener.begun(assignment)
        return self._job(assignment)

    def take(self, number: int, outcome: Outcome) -> Decision:
        """Take in what a trial came to; say whether the trial goes on."""
        self._care.check()
        if isinstance(outcome, Failure):
            self._take_failure(number, outcome.reason)
            return Decision.STOP
        return self._take_epoch(number, outcome)

    def take_closed(self, number: int) -> None:
        """Take in that a trial's worker has let go of it: nothing more will be written into its folder."""
        if number not in self._in_work:
            self._care.closed(number)

    def take_loss(self, number: int, reason: str) -> None:
        """Take in that a trial's worker is gone: the trial goes on elsewhere from its last checkpoint."""
        self._losses[number] += 1
        self._losses_in_a_row += 1
        if self._losses_in_a_row >= MOST_LOSSES_IN_A_ROW:
            raise SweeperError(f"{MOST_LOSSES_IN_A_ROW} workers in a row were lost without an epoch: {reason}")
        if self._losses[number] >= MOST_WORKER_LOSSES:
            self._take_failure(number, f"lost its worker {MOST_WORKER_LOSSES} times: {reason}")
            return
        del self._in_work[number]
        self._sweep.requeue(number)

    def _take_epoch(self, number: int, result: EpochResult) -> Decision:
        self._losses_in_a_row = 0
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
        )
        decision = self._sweep.report(number, report)
        if decision is Decision.STOP:
            del self._in_work[number]
        self._listener.reported(assignment, report, decision)
        return decision

    def _take_failure(self, number: int, reason: str) -> None:
        """Take in that a trial raised: a defect of the model or its configuration, which another try would repeat."""
        assignment = self._in_work.pop(number)
        self._sweep.fail(number, reason)
        self._listener.failed(assignment, reason)

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
            evaluation=measure(self._settings),
            data_dir=self._place.data_dir,
            device=self._place.device,
        )
