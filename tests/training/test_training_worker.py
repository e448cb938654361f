"""Protects the process of a worker: what goes wrong in one trial must not reach the next."""

import errno
from collections.abc import Callable
from typing import Any

import pytest

from sweeper.execution.worker import Worker
from sweeper.spec import Failures
from sweeper.training.hang import Watch
from sweeper.training.job import EpochResult, Failure, Job
from sweeper.training.simulated import SimulatedRun, Simulation


class Clumsy(SimulatedRun):
    """A run that cannot be closed."""

    def close(self) -> None:
        raise RuntimeError("no pictures")


def clumsy(job: Job) -> SimulatedRun:
    return Clumsy(Simulation(lambda *_: 1.0), job)


def failing(job: Job) -> SimulatedRun:
    raise ValueError("no connection to postgresql://me:secret@host/db\nand so on")


def leaving(job: Job) -> SimulatedRun:
    raise SystemExit(3)


def starving(job: Job) -> SimulatedRun:
    raise MemoryError


def without_room(job: Job) -> SimulatedRun:
    raise OSError(errno.ENOSPC, "No space left on device", str(job.folder / "last"))


@pytest.fixture
def make_worker() -> Callable[[dict[str, Any]], Worker]:
    """Returns a function that makes a worker without Ray around it."""

    def make(config: dict[str, Any]) -> Worker:
        worker = Worker.__new__(Worker)
        worker._trial_info = None
        worker.setup({"failures": Failures(), **config})
        return worker

    return make


def error(job: Job) -> str:
    return (job.folder / "error.txt").read_text()


def test_a_run_that_cannot_be_closed_does_not_cost_the_next_trial(
    make_worker: Callable[..., Worker], make_job: Callable[..., Job]
) -> None:
    first, second = make_job("first"), make_job("second")
    worker = make_worker({"job": first, "factory": clumsy})
    worker.step()
    assert worker.reset_config({"job": second, "factory": clumsy, "failures": Failures()})
    assert "RuntimeError: no pictures" in error(first)
    assert isinstance(worker.step()["outcome"], EpochResult)
    worker.cleanup()
    assert "RuntimeError: no pictures" in error(second)


def test_an_exception_is_an_outcome_that_names_it_in_one_line(
    make_worker: Callable[..., Worker], make_job: Callable[..., Job]
) -> None:
    job = make_job()
    worker = make_worker({"job": job, "factory": failing})
    assert worker.step()["outcome"] == Failure("ValueError: no connection to postgresql://me:secret@host/db")
    assert "and so on" in error(job)


def test_the_file_with_the_traceback_tells_no_secrets(
    make_worker: Callable[..., Worker], make_job: Callable[..., Job]
) -> None:
    job = make_job()
    make_worker({"job": job, "factory": failing}).step()
    assert "postgresql://***@host/db" in error(job)
    assert "secret" not in error(job)


def test_a_model_that_ends_python_does_not_end_its_worker(
    make_worker: Callable[..., Worker], make_job: Callable[..., Job]
) -> None:
    worker = make_worker({"job": make_job(), "factory": leaving})
    assert worker.step()["outcome"] == Failure("SystemExit: 3")


@pytest.mark.parametrize(("factory", "kind"), [(starving, "out_of_memory"), (without_room, "storage")])
def test_a_failure_says_what_is_at_fault(
    make_worker: Callable[..., Worker], make_job: Callable[..., Job], factory: Any, kind: str
) -> None:
    outcome = make_worker({"job": make_job(), "factory": factory}).step()["outcome"]
    assert isinstance(outcome, Failure)
    assert outcome.kind == kind


def test_a_trial_is_watched_while_it_trains_and_while_it_is_closed(
    make_worker: Callable[..., Worker], make_job: Callable[..., Job]
) -> None:
    watched: list[bool] = []

    class Noting(SimulatedRun):
        def advance(self) -> EpochResult:
            watched.append(Watch.armed is not None)
            return super().advance()

        def close(self) -> None:
            watched.append(Watch.armed is not None)

    worker = make_worker({"job": make_job(), "factory": lambda job: Noting(Simulation(lambda *_: 1.0), job)})
    worker.step()
    assert Watch.armed is None
    worker.cleanup()
    assert watched == [True, True]
    assert Watch.armed is None


def test_an_error_that_cannot_be_written_is_still_told(
    make_worker: Callable[..., Worker], make_job: Callable[..., Job]
) -> None:
    job = make_job()
    (job.folder / "error.txt").mkdir(parents=True)
    outcome = make_worker({"job": job, "factory": failing}).step()["outcome"]
    assert isinstance(outcome, Failure)
    assert outcome.reason.startswith("ValueError: no connection")


@pytest.mark.parametrize(("given", "gpu_share"), [({"CPU": 2.0}, 1.0), ({"CPU": 0.5, "GPU": 0.25}, 0.25)])
def test_a_trial_is_told_the_share_of_a_gpu_that_ray_has_given_it(
    make_worker: Callable[..., Worker],
    make_job: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, float],
    gpu_share: float,
) -> None:
    class Resources:
        required_resources = given

    monkeypatch.setattr(Worker, "trial_resources", Resources())
    jobs: list[Job] = []

    def remember(job: Job) -> SimulatedRun:
        jobs.append(job)
        return clumsy(job)

    make_worker({"job": make_job(), "factory": remember}).step()
    assert jobs[0].gpu_share == gpu_share
