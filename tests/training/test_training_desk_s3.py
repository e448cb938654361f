"""Protects real trials whose home is on S3: their numbers do not depend on which nodes they were trained on."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from desks import failed, in_store, stored, trained, work
from running import assert_same, run

from sweeper.execution.worker import Worker
from sweeper.remote.opening import open_objects
from sweeper.training.job import Job
from sweeper.training.trial import Trial

EPOCHS = 4


@pytest.fixture
def on_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Job], Worker]:
    """Returns a function that makes a worker on a node of a name."""

    def make(node: str, job: Job) -> Worker:
        monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / node))
        return work(job, Trial)

    return make


def test_a_trial_that_two_nodes_have_trained_is_the_one_trained_in_one_piece(
    bucket: str, make_job: Callable[..., Job], on_node: Callable[[str, Job], Worker], tmp_path: Path
) -> None:
    """The first node is cut off after two epochs, comes back while the second is at work, and is lost for good."""
    whole = make_job("whole", epochs=EPOCHS, best_epochs=2)
    results = run(whole, EPOCHS)
    job = in_store(whole, bucket)
    first = on_node("first", job)
    assert [trained(first).epoch for _ in range(2)] == [1, 2]
    second = on_node("second", job)
    assert [trained(second).epoch for _ in range(2)] == [2, 3]
    refused = failed(first)
    assert refused.kind == "storage"
    assert refused.reason == f"{bucket}/trials/trial/snapshot.json: written by another process as well"
    last = trained(second)
    assert last.done
    assert last.metrics["val/nll"] == results[-1].metrics["val/nll"]
    second.cleanup()
    found = stored(open_objects(bucket), tmp_path / "found")
    assert_same(found, whole.folder)
    assert (found / "best" / "model.safetensors").exists()
    assert [list(path.glob("sweeper-*/*/")) for path in (tmp_path / "first", tmp_path / "second")] == [[], []]


def test_what_was_removed_from_the_store_by_hand_is_trained_again(
    bucket: str, make_job: Callable[..., Job], on_node: Callable[[str, Job], Worker], tmp_path: Path
) -> None:
    whole = make_job("whole", epochs=EPOCHS)
    run(whole, EPOCHS)
    job = in_store(whole, bucket)
    first = on_node("node", job)
    trained(first)
    trained(first)
    found = stored(open_objects(bucket), tmp_path / "before")
    objects = open_objects(f"{bucket}/trials/trial/files")
    state = hashlib.sha256((found / "last" / "state.safetensors").read_bytes()).hexdigest()[:32]
    assert state in set(objects.keys())
    objects.remove([state])
    again = on_node("node", job)
    result = trained(again)
    assert result.epoch == 1
    gone, put_aside = result.notes
    assert gone.endswith(f"/{state}: is gone (last/state.safetensors)")
    assert put_aside.endswith("put aside as *.damaged, and training begins again from its first epoch")
    while not trained(again).done:
        pass
    again.cleanup()
    found = stored(open_objects(bucket), tmp_path / "found")
    for aside in found.glob("*.damaged"):
        shutil.rmtree(aside) if aside.is_dir() else aside.unlink()
    assert_same(found, whole.folder)
