"""Placement on a real Ray of one machine that says it has a GPU: arms beside each other, each with its own share."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.placed import NOTE, NotingPlace
from support.sweeps import make_spec

from sweeper.errors import SweeperError
from sweeper.execution.capacity import Capacity
from sweeper.execution.cluster_machines import ClusterMachines
from sweeper.execution.listener import Silent
from sweeper.execution.ownership import owned
from sweeper.execution.placing import placed
from sweeper.execution.runner import run_sweep
from sweeper.execution.site import Site
from sweeper.search import read_records
from sweeper.spec import Spec

L4 = {"CPU": 4.0, "GPU": 1.0, "accelerator_type:L4": 1.0}
FC = {"cpu": 2, "gpu": 0}
H100 = {"cpu": 1, "gpu": "auto", "accelerator": "H100", "arms": {"fc": FC}}


class Hearing(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def told(self, message: str) -> None:
        self.lines.append(message)

    def warned(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture
def with_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a local Ray believe that its machine has an H100, and its processes that nobody has set their threads."""
    monkeypatch.setenv("RAY_OVERRIDE_RESOURCES", json.dumps({"CPU": 3, "GPU": 1, "accelerator_type:H100": 1}))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def run(spec: Spec, folder: Path, listener: Hearing) -> bool:
    (folder / "trials").mkdir()
    site = Site(folder, data_dir=None, address=None, tracking_uri=None)
    with owned(folder) as ownership:
        return run_sweep(spec, site, NotingPlace(), listener, lambda: None, ownership)


@pytest.mark.sweep
@pytest.mark.usefixtures("with_a_gpu")
def test_each_arm_has_the_device_and_the_threads_that_it_asks_for(tmp_path: Path) -> None:
    heard = Hearing()
    evaluation = {"every": 1, "images": 50, "k": 2}
    spec = make_spec(epochs=1, trials=6, finals=None, resources=H100, evaluation=evaluation)
    assert run(spec, tmp_path, heard)
    assert [record.state for record in read_records(tmp_path)] == ["complete"] * 6
    given: list[dict[str, Any]] = [json.loads(path.read_text()) for path in tmp_path.glob(f"trials/*/{NOTE}")]
    by_arm = {arm: [one for one in given if one["arm"] == arm] for arm in ("fc", "conv")}
    assert {(one["device"], one["gpus"], one["threads"]) for one in by_arm["fc"]} == {("cpu", "", 2)}
    assert {(one["device"], one["gpus"], one["gpu_share"]) for one in by_arm["conv"]} == {("cuda", "0", 1.0)}
    assert {(one["arm"], *one["pools"].values()) for one in given} == {("fc", 2, 2), ("conv", 1, 1)}
    assert {one["data_dir"] for one in given} == {None}
    (measuring, failed) = heard.lines
    assert measuring.startswith("conv on H100: measuring")
    assert failed.startswith("conv on H100: cannot be measured, so that each trial has a GPU of its own: ")


def test_an_accelerator_that_this_machine_has_not_is_told_before_anything_begins(tmp_path: Path) -> None:
    with pytest.raises(SweeperError) as raised:
        placed(make_spec(resources=H100), Site(tmp_path, None, None, None), Capacity.of([L4]), Silent())
    assert str(raised.value) == "sweep.resources: found accelerator H100; the machines have L4"


def test_a_cluster_may_get_it_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, capacity = Hearing(), Capacity.of([L4])
    monkeypatch.setattr("sweeper.execution.placing.ClusterMachines", partial(ClusterMachines, look=lambda: capacity))
    place = placed(make_spec(resources=H100), Site(tmp_path, None, "somewhere:6379", None), capacity, heard)
    (line,) = heard.lines
    assert line.startswith("sweep.resources: found accelerator H100; the machines have L4; trials that ask for ")
    assert place.request("conv", 1) == {"CPU": 1, "GPU": 1, "accelerator_type:H100": 0.001}
