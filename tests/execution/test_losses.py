"""Protects what becomes of a trial that failed or lost its worker: each way of failing has a policy of its own."""

from pathlib import Path
from typing import Any

import pytest
from support.sweeps import make_spec, quality

from sweeper.disk import DiskError
from sweeper.errors import SweeperError
from sweeper.execution.dispatcher import Care, Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.losses import MOST_HANGS, MOST_LOSSES_IN_A_ROW, MOST_WORKER_LOSSES, Loss
from sweeper.execution.simulator import WorkerLostError, simulate
from sweeper.search import Sweep, TrialRecord, read_records
from sweeper.spec import Spec
from sweeper.training.job import EpochResult, Failure, Job
from sweeper.training.simulated import SimulatedRun, Simulation

KILLED = Loss("worker", "its process died")
HUNG = Loss("hang", "no report for 612 s")
PREEMPTED = Loss("node", "its node has died")
STARVED = Failure("out of memory: needed at least 5,321 MiB (had 5,101, asked for 220 more)", "out_of_memory")


class Told(Silent):
    """Remembers what it was told in words."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def failed(self, assignment: Any, reason: str) -> None:
        self.lines.append(f"failed: {reason}")

    def warned(self, message: str) -> None:
        self.lines.append(message)


class Unlucky:
    """A simulation in which something befalls trials: what ``befall`` raises before an epoch."""

    def __init__(self, befall: Any) -> None:
        self._befall = befall

    def __call__(self, job: Job) -> SimulatedRun:
        return _UnluckyRun(self._befall, job)


class _UnluckyRun(SimulatedRun):
    def __init__(self, befall: Any, job: Job) -> None:
        super().__init__(Simulation(quality), job)
        self._befall = befall

    def advance(self) -> EpochResult:
        if not self._resumed:  # It is told again where it was left, before it trains.
            self._befall(self._job, self._epoch + 1)
        return super().advance()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a sweep without any trials."""
    (tmp_path / "trials").mkdir()
    return tmp_path


@pytest.fixture
def run(folder: Path, told: Told) -> Any:
    """Returns a function that simulates a sweep in which something befalls its trials; it returns the records."""

    def run(befall: Any, spec: Spec | None = None, workers: int = 1, largest: int = 1) -> list[TrialRecord]:
        spec = spec or make_spec(epochs=3, trials=2, stopping="none", finals=None)
        sweep = Sweep(spec, folder, workers)
        place = Workplace(folder, data_dir=None, workers=workers, device="cpu", largest=largest)
        simulate(Dispatcher(sweep, spec, place, told), Unlucky(befall))
        return sweep.records()

    return run


@pytest.fixture
def make(folder: Path, told: Told) -> Any:
    def make(
        workers: int = 1, largest: int = 1, device: str = "cpu", care: Care | None = None, **sweep: Any
    ) -> Dispatcher:
        spec = make_spec(**{"stopping": "none", "finals": None, **sweep})
        place = Workplace(folder, data_dir=None, workers=workers, device=device, largest=largest)
        return Dispatcher(Sweep(spec, folder, workers), spec, place, told, care or Care())

    return make


def epoch(number: int, *, done: bool = False) -> EpochResult:
    return EpochResult(number, number * 100, float(number), {"val/nll": 1.0}, done)


def first(folder: Path) -> TrialRecord:
    return read_records(folder)[0]


class TestWorkers:
    def test_a_trial_goes_on_under_its_number(self, make: Any, told: Told) -> None:
        dispatcher = make()
        job = dispatcher.next()
        dispatcher.take(job.number, epoch(1))
        dispatcher.take_loss(job.number, KILLED)
        assert dispatcher.next() == job
        assert told.lines == [
            f"trial 0 ({first(job.folder.parents[1]).arm}): its process died; goes on from its last checkpoint"
        ]

    def test_a_trial_that_makes_no_progress_is_given_up(self, make: Any, folder: Path, told: Told) -> None:
        """It tells its last epoch again whenever it goes on, which is no progress."""
        dispatcher = make()
        for _ in range(MOST_WORKER_LOSSES):
            job = dispatcher.next()
            dispatcher.take(job.number, epoch(1))
            dispatcher.take_loss(job.number, KILLED)
        reason = "lost its worker 3 times without an epoch in between: its process died"
        assert (first(folder).state, first(folder).reason) == ("failed", reason)
        assert told.lines[-1] == f"failed: {reason}"

    def test_a_trial_that_makes_progress_is_never_given_up(self, run: Any) -> None:
        def befall(job: Job, number: int) -> None:
            losses = job.folder / f"losses-{number}"
            count = len(losses.read_text()) if losses.exists() else 0
            if count < MOST_WORKER_LOSSES - 1:
                losses.write_text("x" * (count + 1))
                raise WorkerLostError(KILLED)

        records = run(befall)
        assert [record.state for record in records] == ["complete"] * 2
        assert all([images for images, _ in record.curve] == [1000, 2000, 3000] for record in records)

    def test_a_trial_that_is_given_up_has_nobody_who_writes_into_its_folder(self, make: Any) -> None:
        closed: list[int] = []
        dispatcher = make(care=Care(closed=closed.append))
        for _ in range(MOST_WORKER_LOSSES):
            assert closed == []
            dispatcher.take_loss(dispatcher.next().number, KILLED)
        assert closed == [0]

    def test_workers_that_die_without_an_epoch_end_the_sweep(self, make: Any) -> None:
        dispatcher = make()

        def lose_all() -> None:
            for _ in range(MOST_LOSSES_IN_A_ROW):
                dispatcher.take_loss(dispatcher.next().number, Loss("worker", "no module named x"))

        with pytest.raises(SweeperError, match="6 workers in a row were lost without an epoch: no module named x"):
            lose_all()

    def test_lost_nodes_count_against_nobody(self, make: Any) -> None:
        dispatcher = make()
        for _ in range(3 * MOST_LOSSES_IN_A_ROW):
            job = dispatcher.next()
            assert job.number == 0
            dispatcher.take_loss(job.number, PREEMPTED)


class TestHangs:
    def test_a_trial_that_hangs_is_tried_once_more(self, make: Any, folder: Path) -> None:
        dispatcher = make()
        dispatcher.take_loss(dispatcher.next().number, HUNG)
        assert first(folder).state == "running"
        dispatcher.take_loss(dispatcher.next().number, HUNG)
        reason = "hung 2 times without an epoch in between: no report for 612 s"
        assert (first(folder).state, first(folder).reason) == ("failed", reason)

    def test_an_epoch_in_between_is_a_new_beginning(self, run: Any) -> None:
        def befall(job: Job, number: int) -> None:
            hung = job.folder / f"hung-{number}"
            if not hung.exists():
                hung.touch()
                raise WorkerLostError(HUNG)

        assert MOST_HANGS == 2
        assert [record.state for record in run(befall)] == ["complete"] * 2


class TestMemory:
    def test_a_trial_is_tried_again_with_twice_the_share_until_it_has_all(
        self, make: Any, folder: Path, told: Told
    ) -> None:
        dispatcher = make(workers=4, largest=4)
        scales = []
        for _ in range(3):
            job = dispatcher.next()
            assert job.number == 0
            scales.append(job.scale)
            dispatcher.take(job.number, STARVED)
        assert scales == [1, 2, 4]
        assert (first(folder).state, first(folder).reason) == ("failed", f"{STARVED.reason} with all of the machine")
        assert told.lines[0].endswith("asked for 220 more); goes on from its last checkpoint with twice the share")

    def test_on_a_gpu_it_had_all_of_the_gpu(self, make: Any, folder: Path) -> None:
        dispatcher = make(device="cuda")
        dispatcher.take(dispatcher.next().number, STARVED)
        assert first(folder).reason == f"{STARVED.reason} with all of the GPU"

    def test_a_process_killed_for_its_memory_is_the_same(self, make: Any, folder: Path) -> None:
        dispatcher = make(workers=2, largest=2)
        dispatcher.take_loss(dispatcher.next().number, Loss("out_of_memory", "out of memory: killed"))
        job = dispatcher.next()
        assert (job.number, job.scale) == (0, 2)
        dispatcher.take_loss(0, Loss("out_of_memory", "out of memory: killed"))
        assert first(folder).reason == "out of memory: killed with all of the machine"

    def test_nothing_begins_before_a_larger_share_is_free(self, make: Any) -> None:
        dispatcher = make(workers=3, largest=3)
        jobs = [dispatcher.next() for _ in range(3)]
        dispatcher.take(0, STARVED)
        assert dispatcher.next() is None, "one place is free, and trial 0 takes two"
        assert dispatcher.next() is None
        dispatcher.take(jobs[1].number, epoch(9, done=True))
        assert (larger := dispatcher.next()).number == 0
        assert larger.scale == 2
        assert dispatcher.next() is None, "two of three places are taken by one, the third by another"
        dispatcher.take(jobs[2].number, epoch(9, done=True))
        assert dispatcher.next().number == 3

    def test_a_larger_share_changes_no_number(self, make: Any) -> None:
        """Other threads would compute other last digits."""
        dispatcher = make(workers=2, largest=2, resources={"cpu": 3})
        job = dispatcher.next()
        dispatcher.take(job.number, STARVED)
        assert job.threads == dispatcher.next().threads == 3

    def test_a_sweep_in_which_trials_starve_comes_to_its_end(self, run: Any) -> None:
        def befall(job: Job, number: int) -> None:
            if number == 2 and job.scale < 1 + job.number:
                raise MemoryError

        spec = make_spec(epochs=3, trials=8, stopping="none", finals=None)
        records = run(befall, spec, workers=4, largest=4)
        assert [record.scale for record in records] == [1, 2, 4, 4, 4, 4, 4, 4]
        assert [record.state for record in records] == ["complete"] * 4 + ["failed"] * 4
        assert all("with all of the machine" in str(record.reason) for record in records[4:])


class TestOthers:
    def test_an_exception_is_told_once_and_not_tried_again(self, make: Any, told: Told) -> None:
        dispatcher = make()
        job = dispatcher.next()
        dispatcher.take(job.number, Failure("ValueError: no"))
        assert dispatcher.next().number != job.number
        assert told.lines == ["failed: ValueError: no"]

    def test_secrets_are_told_nobody(self, make: Any, folder: Path, told: Told) -> None:
        dispatcher = make()
        dispatcher.take(dispatcher.next().number, Failure("ValueError: postgresql://me:secret@host/db"))
        dispatcher.take_loss(dispatcher.next().number, Loss("worker", "http://me:secret@host"))
        assert "secret" not in str(first(folder).reason)
        assert len(told.lines) == 2
        assert "secret" not in str(told.lines)

    def test_a_full_disk_ends_the_sweep_and_not_the_trial(self, make: Any, folder: Path) -> None:
        dispatcher = make()
        job = dispatcher.next()
        dispatcher.take(job.number, epoch(1))
        reason = "no space left on device: x (0 B free); make room"
        with pytest.raises(DiskError, match="no space left on device"):
            dispatcher.take(job.number, Failure(reason, "storage"))
        assert (first(folder).state, first(folder).reason) == ("running", None)
        assert make().next() == job, "it goes on when the sweep does"

    def test_an_arm_of_which_all_trials_fail_is_told_once(self, run: Any, told: Told) -> None:
        def befall(job: Job, number: int) -> None:
            if "hidden" in job.config["model"]["backbone"]:
                raise ValueError("no")

        spec = make_spec(epochs=2, trials=12, stopping="none", finals=None, failures={"arm": 3})
        records = run(befall, spec)
        states = {arm: [record.state for record in records if record.arm == arm] for arm in ("fc", "conv")}
        assert states == {"fc": ["failed"] * 3, "conv": ["complete"] * 6}
        assert len([line for line in told.lines if not line.startswith("failed: ")]) == 1
