"""Which files of a sweep MLflow has, and when they arrive: the weights that were kept, pictures, tracebacks.

Protects against PITFALLS 9: all checkpoints among the artifacts, or none.
"""

import shutil

import pytest
from fabricated_folder import Folder, finished
from observed import observe

from sweeper.tracking import default_uri
from sweeper.tracking.mirror import sync
from sweeper.tracking.run import Run

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


def test_checkpoint_pictures_and_traceback_are_artifacts_below_the_home(home, client, mirror):
    """PITFALLS 9: the best checkpoint is there, and no other."""
    folder = finished(home)
    mirror(folder).synchronise("finished")
    parent, complete, _, failed, *_ = observe(client, folder)
    assert parent.artifacts == ["sweep.yaml", "verdict.txt"]
    assert complete.artifacts == ["best/model.safetensors", "config.yaml", "samples.png"]
    assert "error.txt" in failed.artifacts
    stored = {path.read_bytes() for path in (home / "mlartifacts").rglob("model.safetensors")}
    assert stored == {b"weights" * 10}


@pytest.mark.parametrize("outcome", ["finished", "interrupted", "failed"])
def test_weights_arrive_at_the_end_of_the_sweep_of_the_trials_that_have_kept_them(home, client, mirror, outcome):
    """PITFALLS 9: neither all of them nor none."""
    folder = finished(home)
    live = mirror(folder)
    live.synchronise()
    assert [run.artifacts for run in observe(client, folder)[1:]] == [
        ["config.yaml", *(["error.txt"] if number == 2 else []), "samples.png"] for number in range(5)
    ]
    for number in (0, 1, 2):
        shutil.rmtree(folder.trial(number) / "best")
    live.synchronise(outcome)
    followed = [run.artifacts for run in observe(client, folder)]
    assert ["best/model.safetensors" in artifacts for artifacts in followed] == [False, False, False, False, True, True]


def test_a_sweep_that_was_collected_is_rebuilt_as_it_was_followed(home, client, mirror):
    folder = finished(home)
    live = mirror(folder)
    live.synchronise()
    shutil.rmtree(folder.trial(0) / "best")
    live.synchronise("finished")
    live.close()
    followed = observe(client, folder)
    experiment = client.get_experiment_by_name(folder.name)
    for run in client.search_runs([experiment.experiment_id]):
        client.set_tag(run.info.run_id, "sweeper.sweep", "another")
    sync(folder.path, default_uri(home))
    assert [run for run in observe(client, folder) if run.tags["sweeper.sweep"] == folder.path.name] == followed


@pytest.mark.parametrize(
    ("name", "artifact"),
    [("best/model.safetensors", "best/model.safetensors"), ("pictures/samples/0001.png", "images/samples+step+1+")],
)
def test_a_file_that_is_removed_before_it_can_be_sent_holds_up_nothing(
    home, client, mirror, monkeypatch, name, artifact
):
    """As a checkpoint is that the sweep's policy collects between a look and the upload."""
    folder = Folder(home)
    folder.epochs(folder.begin(), 1)
    folder.picture(0, "samples", 1)
    folder.end(0)
    file, upload = folder.trial(0) / name, Run.upload

    def remove_and_upload(run, content):
        file.rename(home / "removed")
        monkeypatch.undo()
        upload(run, content)

    monkeypatch.setattr(Run, "upload", remove_and_upload)
    live = mirror(folder)
    assert live.synchronise("finished"), live.problem
    assert "config.yaml" in observe(client, folder)[1].artifacts
    assert [path for path in observe(client, folder)[1].artifacts if path.startswith(artifact)] == []
    live.close()
    (home / "removed").rename(file)
    sync(folder.path, default_uri(home))
    assert [path for path in observe(client, folder)[1].artifacts if path.startswith(artifact)] != []


def test_a_picture_that_a_worker_draws_after_the_trials_end_arrives_and_only_it_is_sent(home, client, mirror):
    folder = Folder(home)
    live = mirror(folder)
    folder.epochs(folder.begin(), 1)
    folder.end(0)
    live.synchronise()
    stored = next((home / "mlartifacts").rglob("config.yaml"))
    stored.unlink()
    (folder.trial(0) / "reconstructions.png").write_bytes(b"late")
    live.synchronise()
    late = ["reconstructions.png", "samples.png"]
    assert observe(client, folder)[1].artifacts == late
    live.synchronise()
    (folder.trial(0) / "samples.png").write_bytes(b"later")
    live.synchronise("finished")
    assert observe(client, folder)[1].artifacts == ["best/model.safetensors", *late]
    assert next((home / "mlartifacts").rglob("samples.png")).read_bytes() == b"later"
