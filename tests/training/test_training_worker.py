"""Protects the process of a worker: what goes wrong in one trial must not reach the next."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweeper.execution.worker import Worker
from sweeper.training.job import EpochResult, Failure, Job
from sweeper.training.simulated import SimulatedRun, Simulation


class Clumsy(SimulatedRun):
    """A run that cannot be closed."""

    def close(self) -> None:
        raise RuntimeError("no pictures")


def clumsy(job: Job) -> SimulatedRun:
    return Clumsy(Simulation(lambda *_: 1.0), job)


def failing(job: Job) -> SimulatedRun:
    raise MemoryError("CUDA out of memory.\nTried to allocate 2 GiB")


@pytest.fixture
def make_worker() -> Callable[[dict[str, Any]], Worker]:
    """Returns a function that makes a worker without Ray around it."""

    def make(config: dict[str, Any]) -> Worker:
        worker = Worker.__new__(Worker)
        worker._trial_info = None
        worker.setup(config)
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
    assert worker.reset_config({"job": second, "factory": clumsy})
    assert "RuntimeError: no pictures" in error(first)
    assert isinstance(worker.step()["outcome"], EpochResult)
    worker.cleanup()
    assert "RuntimeError: no pictures" in error(second)


def test_an_exception_is_an_outcome_that_names_it_in_one_line(
    make_worker: Callable[..., Worker], make_job: Callable[..., Job]
) -> None:
    job = make_job()
    worker = make_worker({"job": job, "factory": failing})
    assert worker.step()["outcome"] == Failure("MemoryError: CUDA out of memory.")
    assert "Tried to allocate 2 GiB" in error(job)


def test_an_error_that_cannot_be_written_is_still_told(
    make_worker: Callable[..., Worker], make_job: Callable[..., Job], tmp_path: Path
) -> None:
    (tmp_path / "trial").write_text("in the way")
    worker = make_worker({"job": make_job(), "factory": failing})
    assert worker.step()["outcome"] == Failure("MemoryError: CUDA out of memory.")


@pytest.mark.parametrize(
    ("given", "threads", "gpu_share"),
    [({"CPU": 2.0}, 2, 1.0), ({"CPU": 0.5, "GPU": 0.25}, 1, 0.25), ({"CPU": 3.9, "GPU": 1}, 3, 1.0)],
)
def test_a_trial_is_told_the_share_that_ray_has_given_it(
    make_worker: Callable[..., Worker],
    make_job: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, float],
    threads: int,
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
    assert (jobs[0].threads, jobs[0].gpu_share) == (threads, gpu_share)
