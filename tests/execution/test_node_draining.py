"""Protects what a worker does on a node that is about to be taken away: it leaves its trial to another node, uncounted.

What Ray has for that is its own and may change; the sweeps on several nodes in `tests/cluster_local` go through all of
it, and here is what they rest on.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray.exceptions import RayActorError, RayTaskError
from ray.tune.experiment import Trial

from sweeper.execution import draining
from sweeper.execution.deaths import loss_of
from sweeper.execution.draining import ASK_SECONDS, Departure, NodeDrainsError
from sweeper.execution.losses import Loss
from sweeper.execution.ray_environment import set_switches
from sweeper.execution.worker import Worker
from sweeper.training.job import Evaluation, Job, Precision

OWN, OTHER = "4c7f", "b1d0"


class Cluster:
    """What Ray says of a cluster, and the time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.draining: dict[str, int] = {}
        self.asked = 0

    def get_draining_nodes(self) -> dict[str, int]:
        self.asked += 1
        return self.draining


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    cluster = Cluster()
    monkeypatch.setattr(ray._private.state, "state", cluster)
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: SimpleNamespace(get_node_id=lambda: OWN))
    monkeypatch.setattr(draining, "time", SimpleNamespace(monotonic=lambda: cluster.now))
    return cluster


class Training:
    """A run of which a test sees what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def advance(self) -> Any:
        self.asked.append("advance")
        raise MemoryError

    def close(self) -> None:
        self.asked.append("close")


def test_ray_is_asked_every_few_seconds_until_the_node_drains(cluster: Cluster) -> None:
    departure = Departure()
    assert not departure.is_due()
    cluster.draining = {OTHER: 0, OWN: 0}
    assert not departure.is_due()
    cluster.now += ASK_SECONDS
    assert departure.is_due()
    cluster.now += ASK_SECONDS
    assert departure.is_due()
    assert cluster.asked == 2


def test_the_node_of_others_may_drain(cluster: Cluster) -> None:
    cluster.draining = {OTHER: 0}
    assert not Departure().is_due()


def test_what_ray_is_asked_is_there() -> None:
    """Pinned: it is Ray's own."""
    assert callable(ray._private.state.GlobalState.get_draining_nodes)


def test_a_worker_takes_up_no_epoch_and_does_not_end_its_trial(cluster: Cluster, tmp_path: Path) -> None:
    """What a run leaves behind when it is closed is for trials that have come to their end."""
    cluster.draining = {OWN: 0}
    run = Training()
    worker = Worker({"job": job(tmp_path), "factory": None, "failures": None})
    worker._run = run
    with pytest.raises(NodeDrainsError):
        worker.step()
    worker.cleanup()
    assert run.asked == []


def job(folder: Path) -> Job:
    return Job(0, {}, 0, folder, Evaluation("val/nll", "minimize", Precision(1, None)))


def test_it_is_a_lost_node(tmp_path: Path) -> None:
    said = RayTaskError(
        "train", f"Traceback:\n{NodeDrainsError.__module__}.{NodeDrainsError.__name__}", NodeDrainsError()
    )
    (tmp_path / "said").write_text(f"Failure # 1\n{said}")
    failed: Any = SimpleNamespace(config={"job": job(tmp_path)}, error_file=str(tmp_path / "said"))
    assert loss_of(failed) == Loss("node", "its node is about to be taken away")


def test_tune_does_not_try_again_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would where a node dies that was drained, and so would we: the trial would be at work twice."""
    died = RayActorError("0" * 32, "its node has died", preempted=True)
    monkeypatch.setattr(Trial, "local_path", None)
    monkeypatch.delenv("RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE", raising=False)
    assert _recovers(died), "else the switch is not needed any more"
    set_switches("192.0.2.1:6379")
    assert not _recovers(died)


def _recovers(error: Exception) -> bool:
    trial = Trial("trainable", stub=True)
    trial.handle_error(error)
    return bool(trial.should_recover())
