"""PITFALLS 14: an accelerator's memory is given back as soon as a trial is left, and not when it pleases Python."""

import weakref
from collections.abc import Callable
from dataclasses import replace

import pytest

from sweeper.execution.worker import Worker
from sweeper.spec import Failures
from sweeper.training.job import EpochResult, Failure, Job
from sweeper.training.simulated import SimulatedRun, Simulation


class Held(SimulatedRun):
    """A run that stands for a model on an accelerator; of seed 0, one that fails after an epoch."""

    runs: list[weakref.ref["Held"]]

    def __init__(self, job: Job) -> None:
        super().__init__(Simulation(lambda *_: 1.0), job)
        self.job = job
        self.runs.append(weakref.ref(self))

    def advance(self) -> EpochResult:
        result = super().advance()
        if self.job.seed == 0:
            raise RuntimeError("with a traceback that knows the run")
        return result


@pytest.fixture
def living(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many runs lived at each moment at which the accelerator's memory was released."""
    counts: list[int] = []
    monkeypatch.setattr(Held, "runs", [], raising=False)
    monkeypatch.setattr(
        "sweeper.training.devices.release_memory",
        lambda: counts.append(sum(run() is not None for run in Held.runs)),
    )
    return counts


def worker(job: Job) -> Worker:
    """Return a worker without Ray around it."""
    made = Worker.__new__(Worker)
    made._trial_info = None
    made.setup({"job": replace(job, device="cuda"), "factory": Held, "failures": Failures()})
    return made


def test_before_the_next_trial_begins(make_job: Callable[..., Job], living: list[int]) -> None:
    process = worker(make_job("first", seed=1))
    process.step()
    assert living == []
    process.reset_config({"job": make_job("second", seed=1), "factory": Held, "failures": Failures()})
    assert living == [0]


def test_at_once_where_a_trial_has_failed(make_job: Callable[..., Job], living: list[int]) -> None:
    outcome = worker(make_job("first", seed=0)).step()["outcome"]
    assert isinstance(outcome, Failure)
    assert living == [0], "a traceback has kept the run"
