"""Protects what a trial asks Ray for: never more than a machine has, for which Ray would wait for ever."""

import pytest
from support.sweeps import make_spec

from sweeper.execution.session import Capacity
from sweeper.spec import SweepSettings

LAPTOP = [{"CPU": 2.0, "memory": 1e9}]
CLUSTER = [{"CPU": 4.0}, {"CPU": 8.0}, {"CPU": 4.0}]
WITH_A_GPU = [{"CPU": 64.0}, {"CPU": 8.0, "GPU": 1.0}]


def settings(cpu: float = 1, gpu: float = 0, workers: int | str = "auto") -> SweepSettings:
    return make_spec(resources={"cpu": cpu, "gpu": gpu}, workers=workers).settings


@pytest.mark.parametrize(
    ("machines", "section", "shares"),
    [
        (LAPTOP, settings(), [(1, 0), (2, 0), (2, 0)]),
        (LAPTOP, settings(cpu=16), [(2, 0)]),
        (CLUSTER, settings(cpu=3, gpu=0.5), [(3, 0), (6, 0), (8, 0)]),
        (WITH_A_GPU, settings(gpu=0.3), [(1, 0.3), (2, 0.6), (4, 1), (8, 1), (8, 1)]),
        (WITH_A_GPU, settings(gpu=2), [(1, 1), (2, 1)]),
        ([{"GPU": 4.0, "CPU": 8.0}], settings(gpu=2), [(1, 2), (2, 2)]),
    ],
)
def test_a_share_grows_until_it_is_all_of_a_machine_or_of_a_gpu(
    machines: list[dict[str, float]], section: SweepSettings, shares: list[tuple[float, float]]
) -> None:
    capacity = Capacity.of(machines)
    asked = [capacity.request(section.resources, 2**times) for times in range(len(shares))]
    assert [(request["CPU"], request["GPU"]) for request in asked] == shares


@pytest.mark.parametrize(
    ("machines", "section", "largest"),
    [
        (LAPTOP, settings(), 2),
        (LAPTOP, settings(workers=1), 1),
        (CLUSTER, settings(), 8),
        (CLUSTER, settings(cpu=3), 3),
        (CLUSTER, settings(workers=2), 2),
        (CLUSTER, settings(gpu=0.25), 8),
        (WITH_A_GPU, settings(gpu=0.3), 4),
        (WITH_A_GPU, settings(gpu=0.25, workers=1), 4),
        (WITH_A_GPU, settings(gpu=1), 1),
    ],
)
def test_it_is_known_from_when_on_there_is_no_more_memory_to_have(
    machines: list[dict[str, float]], section: SweepSettings, largest: int
) -> None:
    """On a GPU it is capped by the share; main memory is shared with as many trials as there are workers."""
    assert Capacity.of(machines).largest(section) == largest


def test_as_many_trials_run_at_once_as_fit() -> None:
    assert Capacity.of(CLUSTER).workers(settings(cpu=2)) == 8
    assert Capacity.of(WITH_A_GPU).workers(settings(gpu=0.25)) == 4
    assert Capacity.of(LAPTOP).workers(settings(cpu=16)) == 1
    assert Capacity.of(LAPTOP).workers(settings(workers=5)) == 5
