"""Protects what a trial asks Ray for: never more than a machine has, for which Ray would wait for ever."""

from typing import Any

import pytest
from support.sweeps import make_spec

from sweeper.execution.capacity import Capacity
from sweeper.execution.placement import Placement, Seat

LAPTOP = [{"CPU": 2.0, "memory": 1e9}]
CLUSTER = [{"CPU": 4.0}, {"CPU": 8.0}, {"CPU": 4.0}]
WITH_A_GPU = [{"CPU": 64.0}, {"CPU": 8.0, "GPU": 1.0}]
H100 = {"CPU": 16.0, "GPU": 2.0, "accelerator_type:H100": 1.0}
L4 = {"CPU": 4.0, "GPU": 1.0, "accelerator_type:L4": 1.0}

Machines = list[dict[str, float]]


def placement(workers: int | str = "auto", **resources: Any) -> Placement:
    """What trials of the arms fc and conv ask for."""
    return Placement.of(make_spec(resources=resources, workers=workers))


@pytest.mark.parametrize(
    ("machines", "resources", "shares"),
    [
        (LAPTOP, {}, [(1, 0), (2, 0), (2, 0)]),
        (LAPTOP, {"cpu": 16}, [(2, 0)]),
        (LAPTOP, {"gpu": "auto"}, [(1, 0)]),
        (CLUSTER, {"cpu": 3, "gpu": 0.5}, [(3, 0), (6, 0), (8, 0)]),
        (WITH_A_GPU, {"cpu": 10}, [(10, 0), (20, 0)]),
        (WITH_A_GPU, {"gpu": 0.3}, [(1, 0.3), (2, 0.6), (4, 1), (8, 1), (8, 1)]),
        (WITH_A_GPU, {"gpu": 2}, [(1, 1), (2, 1)]),
        (WITH_A_GPU, {"gpu": "auto"}, [(1, 1), (2, 1)]),
        ([{"GPU": 4.0, "CPU": 8.0}], {"gpu": 2}, [(1, 2), (2, 2)]),
    ],
)
def test_a_share_grows_until_it_is_all_of_a_machine_or_of_a_gpu(
    machines: Machines, resources: dict[str, Any], shares: list[tuple[float, float]]
) -> None:
    capacity, asking = Capacity.of(machines), placement(**resources).arms["fc"]
    asked = [capacity.request(asking, 2**times) for times in range(len(shares))]
    assert [(request["CPU"], request["GPU"]) for request in asked] == shares


@pytest.mark.parametrize(
    ("machines", "workers", "resources", "seat"),
    [
        (LAPTOP, "auto", {}, Seat("cpu", 2)),
        (LAPTOP, 1, {}, Seat("cpu", 1)),
        (LAPTOP, "auto", {"gpu": "auto"}, Seat("cpu", 2)),
        (CLUSTER, "auto", {}, Seat("cpu", 8)),
        (CLUSTER, "auto", {"cpu": 3}, Seat("cpu", 3)),
        (CLUSTER, 2, {}, Seat("cpu", 2)),
        (CLUSTER, "auto", {"gpu": 0.25}, Seat("cpu", 8)),
        (WITH_A_GPU, "auto", {"gpu": 0.3}, Seat("cuda", 4)),
        (WITH_A_GPU, 1, {"gpu": 0.25}, Seat("cuda", 4)),
        (WITH_A_GPU, "auto", {"gpu": 1}, Seat("cuda", 1)),
        ([], "auto", {}, Seat("cpu", 1)),
    ],
)
def test_it_is_known_from_when_on_there_is_no_more_memory_to_have(
    machines: Machines, workers: int | str, resources: dict[str, Any], seat: Seat
) -> None:
    """On a GPU it is capped by the share; main memory is shared with as many trials as there are workers."""
    assert Capacity.of(machines).seat(placement(workers, **resources), "fc") == seat


@pytest.mark.parametrize(
    ("machines", "resources", "workers"),
    [
        (CLUSTER, {"cpu": 2}, 8),
        (CLUSTER, {"cpu": 3}, 4),
        (WITH_A_GPU, {"gpu": 0.25}, 4),
        (WITH_A_GPU, {"gpu": 0.6}, 1),
        ([H100], {"gpu": 0.6}, 2),
        ([H100], {"gpu": 0.3}, 6),
        ([H100, L4], {"gpu": 1, "accelerator": "H100"}, 2),
        ([H100, L4], {"gpu": 1}, 3),
        (LAPTOP, {"cpu": 16}, 1),
        ([], {}, 1),
    ],
)
def test_as_many_trials_run_at_once_as_fit_on_machines(
    machines: Machines, resources: dict[str, Any], workers: int
) -> None:
    """No trial is on two machines, nor a part of a GPU on two GPUs."""
    capacity = Capacity.of(machines)
    assert capacity.workers(placement(**resources)) == workers
    assert capacity.workers(placement(5, **resources)) == 5


MIXED: dict[str, Any] = {"cpu": 2, "gpu": 0.5, "accelerator": "H100", "arms": {"fc": {"cpu": 1, "gpu": 0}}}


def test_trials_without_a_gpu_run_beside_those_that_have_one() -> None:
    asking, capacity = placement(**MIXED), Capacity.of([H100, L4])
    assert not asking.is_uniform
    assert capacity.request(asking.arms["fc"]) == {"CPU": 1, "GPU": 0}
    assert capacity.request(asking.arms["conv"], 2) == {"CPU": 4, "GPU": 1, "accelerator_type:H100": 0.001}
    assert (capacity.seat(asking, "fc").device, capacity.seat(asking, "conv")) == ("cpu", Seat("cuda", 2))
    assert capacity.fits(asking) == max(4 + 8 + 4, 16 + 4)


def test_there_is_room_for_the_one_where_the_other_has_found_none() -> None:
    asking, capacity = placement(**MIXED), Capacity.of([H100, L4])
    fc, conv = (capacity.request(asking.arms[arm]) for arm in ("fc", "conv"))
    assert capacity.has_room([conv] * 3, conv)
    assert not capacity.has_room([conv] * 4, conv)
    assert capacity.has_room([conv] * 9, fc), "trials that wait take nothing"
    assert not capacity.has_room([conv] * 4 + [fc] * 12, fc)


def test_what_needs_no_gpu_leaves_the_cores_beside_gpus_free_while_it_can() -> None:
    asking, capacity = placement(**MIXED), Capacity.of([H100, {"CPU": 4.0}])
    fc, conv = (capacity.request(asking.arms[arm]) for arm in ("fc", "conv"))
    assert capacity.has_room([fc] * 12 + [conv] * 3, conv)
    assert not capacity.has_room([fc] * 15 + [conv] * 2, conv)


def test_a_kind_that_no_machine_has_is_asked_for_all_the_same() -> None:
    """A cluster may start one for it."""
    asking, capacity = placement(**MIXED), Capacity.of([L4])
    assert capacity.accelerators == ("L4",)
    assert capacity.request(asking.arms["conv"]) == {"CPU": 2, "GPU": 0.5, "accelerator_type:H100": 0.001}
    assert capacity.fits(placement(gpu=1, accelerator="H100")) == 0
