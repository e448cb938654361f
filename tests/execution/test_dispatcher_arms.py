"""Arms that ask for different machines: each has its own device and threads, and none waits for another's room."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.sweeps import make_spec, quality

from sweeper.execution.capacity import Capacity
from sweeper.execution.dispatcher import Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.placement import Placement
from sweeper.execution.placing import Place
from sweeper.execution.simulator import simulate
from sweeper.search import Assignment, Sweep
from sweeper.training.job import EpochResult, Failure, Job
from sweeper.training.simulated import SimulatedRun, Simulation

ONE_GPU = {"CPU": 8.0, "GPU": 1.0}
MIXED = {"cpu": 2, "gpu": 0.5, "arms": {"fc": {"cpu": 1.5, "gpu": 0}}}

Make = Callable[..., Dispatcher]


@pytest.fixture
def failures() -> list[str]:
    """Why trials failed."""
    return []


@pytest.fixture
def make(tmp_path: Path, failures: list[str]) -> Make:
    """Returns a function that makes the dispatcher of a sweep on machines with one GPU, as a real sweep has it."""

    class Hearing(Silent):
        def failed(self, _assignment: Assignment, reason: str) -> None:
            failures.append(reason)

    def build(machines: tuple[dict[str, float], ...] = (ONE_GPU,), resources: Any = MIXED, **sweep: Any) -> Dispatcher:
        (tmp_path / "trials").mkdir(exist_ok=True)
        spec = make_spec(resources=resources, **sweep)
        place = Place(Placement.of(spec), Capacity.of(machines), None)
        workplace = Workplace(tmp_path, None, place.workers, seats=place.seats, has_room=place.has_room)
        return Dispatcher(Sweep(spec, tmp_path, place.workers), spec, workplace, Hearing())

    return build


def handed_out(dispatcher: Dispatcher) -> list[Job]:
    """Take jobs until there are none."""
    return list(iter(dispatcher.next, None))


def arm(job: Job) -> str:
    return str(job.config["model"]["backbone"]["name"])


def test_arms_without_a_gpu_take_the_cores_that_are_left(make: Make) -> None:
    jobs = handed_out(make())
    assert Counter(map(arm, jobs)) == {"conv": 2, "fc": 2}, "4 cores of 8 for conv, and twice 1.5 for fc"
    assert {(arm(job), job.device, job.threads) for job in jobs} == {("conv", "cuda", 2), ("fc", "cpu", 1)}


def test_an_arm_goes_on_while_the_gpu_of_the_other_is_busy(make: Make) -> None:
    """Else its cores would stand idle until as many of the other had begun."""
    dispatcher = make(finals=None)
    first = [job for job in handed_out(dispatcher) if arm(job) == "fc"]
    for job in first:
        dispatcher.take(job.number, EpochResult(9, 900, 9.0, {"val/nll": 1.0}, done=True))
    assert [arm(job) for job in handed_out(dispatcher)] == ["fc", "fc"]


def test_a_trial_that_lost_its_worker_waits_for_its_own_machine_alone(make: Make) -> None:
    dispatcher = make(finals=None)
    jobs = handed_out(dispatcher)
    conv, fc = (next(job for job in jobs if arm(job) == label) for label in ("conv", "fc"))
    dispatcher.take(conv.number, Failure("out of memory", "out_of_memory"))
    assert dispatcher.next() is None, "with twice the share it needs the whole GPU"
    dispatcher.take(fc.number, EpochResult(9, 900, 9.0, {"val/nll": 1.0}, done=True))
    assert dispatcher.next() is None, "and nothing overtakes it"
    (other,) = (job for job in jobs if arm(job) == "conv" and job is not conv)
    dispatcher.take(other.number, EpochResult(9, 900, 9.0, {"val/nll": 1.0}, done=True))
    larger = dispatcher.next()
    assert larger is not None
    assert (larger.number, larger.scale) == (conv.number, 2)


def test_what_there_is_of_memory_to_have_is_that_of_the_arms_own_device(make: Make, failures: list[str]) -> None:
    dispatcher, scales = make(workers=1, trials=2, finals=None), []
    while (job := dispatcher.next()) is not None:
        scales.append((arm(job), job.scale))
        dispatcher.take(job.number, Failure("out of memory", "out_of_memory"))
    assert scales == [("fc", 1), ("conv", 1), ("conv", 2)]
    assert failures == ["out of memory with all of the machine", "out of memory with all of the GPU"]


def test_the_only_trial_waits_for_a_machine_that_is_yet_to_come(make: Make) -> None:
    named = {"gpu": 1, "accelerator": "H100"}
    dispatcher = make(({"CPU": 8.0},), {**named, "arms": {"fc": {"gpu": 0}}}, arms="model.backbone", finals=None)
    assert {arm(job) for job in handed_out(dispatcher)} == {"fc"}
    dispatcher = make(({"CPU": 8.0},), {**named, "arms": {"fc": {"cpu": 2}}}, seed=1, finals=None)
    assert len(handed_out(dispatcher)) == 1


class Devices:
    """Simulated trials that remember on which device each trial of an arm ran."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()

    def __call__(self, job: Job) -> SimulatedRun:
        self.seen.add((arm(job), job.device))
        return Simulation(quality)(job)


def test_a_mixed_sweep_comes_to_its_end_with_equal_budgets(make: Make, tmp_path: Path) -> None:
    devices = Devices()
    simulate(make(), devices)
    records = Sweep(make_spec(resources=MIXED), tmp_path, 1).records()
    assert Counter((record.arm, record.phase) for record in records) == {
        (label, phase): count for label in ("fc", "conv") for phase, count in (("search", 6), ("finals", 2))
    }
    assert devices.seen == {("fc", "cpu"), ("conv", "cuda")}
