"""MLflow says what the sweep's folder says: one parent, a child per trial, every epoch once, statuses, artifacts.

Protects against PITFALLS 6 to 9 (odd metrics, duplicated runs, no parents, missing checkpoints) and against a mirror
that depends on when it looked.
"""

import json
import math
import shutil
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from fabricated_folder import BEGIN, IMAGES, METRICS, Folder, finished, line, unfold
from observed import observe

from sweeper.errors import SweeperError
from sweeper.tracking import default_uri
from sweeper.tracking.mirror import Mirror, sync
from sweeper.tracking.run import Run
from sweeper.tracking.store import connect

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture
def mirror(home):
    """Mirrors of folders in the home, closed at the end."""
    opened = []

    def open_mirror(folder: Folder, commit: str | None = None) -> Mirror:
        opened.append(Mirror(folder.path, default_uri(home), commit))
        return opened[-1]

    yield open_mirror
    for each in opened:
        each.close()


def test_a_sweep_is_one_parent_and_one_child_per_trial_with_the_right_status(home, client, mirror):
    """PITFALLS 8: Ray Tune's callback makes runs that do not know of each other."""
    folder = finished(home)
    assert mirror(folder).synchronise("finished")
    parent, *children = observe(client, folder)
    assert (parent.name, parent.parent, parent.status) == (folder.path.name, None, "FINISHED")
    assert [child.name for child in children] == [folder.trial(number).name for number in range(5)]
    assert {child.parent for child in children} == {parent.name}
    assert [child.status for child in children] == ["FINISHED", "KILLED", "FAILED", "FINISHED", "FINISHED"]


def test_every_epoch_of_every_metric_is_there_once_with_its_step_and_time(home, client, mirror):
    """PITFALLS 6: and no pid, timestamp or identifier is a metric, as with Ray Tune's callback."""
    folder = finished(home)
    mirror(folder).synchronise("finished")
    trial = observe(client, folder)[1]
    assert set(trial.histories) == {*METRICS, "images", "seconds"}
    times = [(BEGIN + epoch) * 1000 + 250 for epoch in (1, 2, 3)]
    values = [str(100.0 / epoch) for epoch in (1, 2, 3)]
    assert trial.histories["val/nll"] == list(zip((1, 2, 3), times, values, strict=True))
    assert [value for _, _, value in trial.histories["images"]] == [str(float(epoch * IMAGES)) for epoch in (1, 2, 3)]


def test_the_test_metric_of_a_final_is_there_and_its_line_adds_no_second_point_to_the_last_epoch(home, client, mirror):
    folder = finished(home)
    mirror(folder).synchronise("finished")
    final = observe(client, folder)[-1]
    assert [(step, value) for step, _, value in final.histories["test/nll"]] == [(3, "31.5")]
    assert [step for step, _, _ in final.histories["images"]] == [1, 2, 3]


def test_tags_say_what_a_trial_is_and_params_are_its_flattened_configuration(home, client, mirror):
    folder = finished(home)
    mirror(folder, commit="c0ffee").synchronise("finished")
    parent, first, *_, failed, _, final = observe(client, folder)
    assert parent.tags["mlflow.note.content"].startswith("Is a convolutional VAE")
    assert {name: value for name, value in first.tags.items() if not name.endswith(("artifacts", "runName"))} == {
        "sweeper.sweep": folder.path.name,
        "sweeper.trial": "0",
        "sweeper.arm": "fc",
        "sweeper.phase": "search",
        "sweeper.seed": "100",
        "sweeper.config_hash": folder.trial(0).name[-8:],
        "sweeper.data": "digits",
        "sweeper.state": "complete",
        "mlflow.source.git.commit": "c0ffee",
    }
    assert failed.tags["sweeper.reason"] == "RuntimeError: out of luck"
    assert (final.tags["sweeper.phase"], final.tags["sweeper.source"]) == ("finals", "3")
    assert final.params["model.backbone.name"] == "conv"
    assert (final.params["training.lr"], final.params["training.schedule"]) == ("1e-05", "null")


def test_tags_name_the_signs_of_a_trial_and_what_its_metrics_are_comparable_with(home, client, mirror):
    folder = Folder(home)
    live = mirror(folder)
    folder.epochs(folder.begin(), 1)
    live.synchronise()
    signs = {"diverged": "a loss is inf", "mode_collapsed": "2 of 10 classes"}
    folder.judge(0, signs, {"val/nll": {"data": "digits", "binarization": "dynamic", "k": "100", "likelihood": ""}})
    live.synchronise()
    tags = observe(client, folder)[1].tags
    assert tags["sweeper.signs"] == "diverged,mode_collapsed"
    assert (tags["sweeper.sign.diverged"], tags["sweeper.sign.mode_collapsed"]) == tuple(signs.values())
    assert json.loads(tags["sweeper.key.val/nll"]) == {"data": "digits", "binarization": "dynamic", "k": "100"}


def test_a_sign_that_has_gone_is_no_tag_any_more(home, client, mirror):
    folder = Folder(home)
    with closing(Mirror(folder.path, default_uri(home))) as live:
        folder.begin()
        folder.judge(0, {"diverged": "a loss is inf", "critic_stopped": "no gap"}, {})
        live.synchronise()
        folder.judge(0, {"critic_stopped": "no gap"}, {})
        live.synchronise()
        tags = observe(client, folder)[1].tags
        assert (tags["sweeper.signs"], "sweeper.sign.diverged" in tags) == ("critic_stopped", False)
    folder.judge(0, {}, {})
    assert mirror(folder).synchronise()
    assert [name for name in observe(client, folder)[1].tags if name.startswith("sweeper.sign")] == []


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


def test_the_parent_shows_the_best_of_each_arm_and_how_trials_ended_after_each(home, client, mirror):
    folder = finished(home)
    mirror(folder).synchronise("finished")
    parent = observe(client, folder)[0]
    ends = {name: points[-1] for name, points in parent.histories.items()}
    assert {name: (step, float(value)) for name, (step, _, value) in ends.items()} == {
        "best/fc": (5, 100 / 3),
        "best/conv": (5, 100 / 3 + 3),
        "trials/complete": (5, 3.0),
        "trials/pruned": (5, 1.0),
        "trials/failed": (5, 1.0),
        "trials/ended": (5, 5.0),
    }
    assert [step for step, _, _ in parent.histories["best/conv"]] == [4, 5]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_no_number_is_sent_as_far_as_mlflow_can_say_it(home, client, mirror, value):
    folder = Folder(home)
    folder.epochs(folder.begin(), 1, value=value)
    assert mirror(folder).synchronise()
    stored = float(observe(client, folder)[1].histories["val/nll"][0][2])
    assert math.isnan(stored) if math.isnan(value) else abs(stored) > 1e308 and (stored > 0) == (value > 0)


def test_synchronising_again_changes_nothing_neither_here_nor_after_a_restart(home, client, mirror):
    """PITFALLS 7: restored by Ray Tune, 12 trials became 15 runs."""
    folder = finished(home)
    first = mirror(folder)
    first.synchronise("finished")
    before = observe(client, folder)
    assert first.synchronise("finished")
    first.close()
    assert mirror(folder).synchronise("finished")
    assert observe(client, folder) == before


def test_followed_live_and_rebuilt_at_once_a_sweep_is_the_same(home, client, mirror):
    """The rounds of the live mirror fall between steps that a driver and a worker write."""
    folder = Folder(home)
    live = mirror(folder)
    assert live.synchronise()
    folder.begin("fc")
    for epoch in (1, 2, 3):
        folder.epochs(0, epoch)
        assert live.synchronise()
    folder.end(0)
    folder.epochs(folder.begin("conv"), 1)
    assert live.synchronise()
    folder.end(1, "pruned", reason="stopped by asha after epoch 1")
    assert live.synchronise("finished")
    live.close()
    followed = observe(client, folder)

    experiment = client.get_experiment_by_name(folder.name)
    for run in client.search_runs([experiment.experiment_id]):
        client.set_tag(run.info.run_id, "sweeper.sweep", "another")
        client.set_tag(run.info.run_id, "sweeper.trial", "")
    sync(folder.path, default_uri(home))
    rebuilt = [run for run in observe(client, folder) if run.tags["sweeper.sweep"] == folder.path.name]
    assert rebuilt == followed


def test_an_experiment_that_is_gone_for_good_is_rebuilt_from_the_folder_as_it_was(home, mirror, migrated_store):
    folder = Folder(home)
    live = mirror(folder, commit="c0ffee")
    for _ in unfold(folder):
        assert live.synchronise()
    assert live.synchronise("finished")
    live.close()
    followed = observe(connect(default_uri(home)), folder)
    assert {run.tags.pop("mlflow.source.git.commit") for run in followed} == {"c0ffee"}

    (home / "mlflow.db").rename(home / "lost.db")
    shutil.rmtree(home / "mlartifacts")
    other = (
        f"sqlite:///{shutil.copy(migrated_store, home / 'rebuilt.db')}"  # MLflow keeps lost files open by their URI.
    )
    sync(folder.path, other)
    assert observe(connect(other), folder) == followed


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


def test_a_clock_that_jumps_back_while_a_trial_trains_neither_loses_nor_doubles_an_epoch(home, client, mirror):
    """MLflow takes the highest step for the latest one, whatever the clock says."""
    folder = Folder(home)
    folder.begin()
    for epoch in (1, 2, 3):
        folder.write(0, line(epoch, {"val/nll": 10.0 - epoch}, later=-3600.0 * epoch))
        with closing(Mirror(folder.path, default_uri(home))) as restarted:
            assert restarted.synchronise()
            assert restarted.synchronise()
    trial = observe(client, folder)[1]
    assert [(step, value) for step, _, value in trial.histories["val/nll"]] == [(1, "9.0"), (2, "8.0"), (3, "7.0")]


def test_a_clock_that_jumps_back_between_the_ends_of_trials_counts_each_once(home, client, mirror, monkeypatch):
    class Clock(datetime):
        behind = timedelta()

        @classmethod
        def now(cls, tz=None):
            return super().now(tz) - cls.behind

    monkeypatch.setattr("optuna.storages.journal._storage.datetime", Clock)
    folder = Folder(home)
    live = mirror(folder)
    for number in range(3):
        folder.epochs(folder.begin(), 1)
        folder.end(number)
        assert live.synchronise()
        Clock.behind += timedelta(hours=1)
    ended = observe(client, folder)[0].histories["trials/ended"]
    assert [(step, value) for step, _, value in ended] == [(1, "1.0"), (2, "2.0"), (3, "3.0")]


def test_what_is_running_is_visible_before_it_ends(home, client, mirror):
    folder = Folder(home)
    live = mirror(folder)
    folder.epochs(folder.begin(), 1)
    live.synchronise()
    parent, child = observe(client, folder)
    assert (parent.status, child.status, child.tags["sweeper.state"]) == ("RUNNING", "RUNNING", "running")
    assert [step for step, _, _ in child.histories["val/nll"]] == [1]


def test_a_half_written_line_is_left_for_the_round_in_which_it_is_whole(home, client, mirror):
    folder = Folder(home)
    live = mirror(folder)
    folder.epochs(folder.begin(), 1)
    text = line(2, {"val/nll": 2.5})
    folder.write(0, text[:40])
    assert live.synchronise()
    assert [step for step, _, _ in observe(client, folder)[1].histories["val/nll"]] == [1]
    folder.write(0, text[40:])
    assert live.synchronise()
    assert [(step, value) for step, _, value in observe(client, folder)[1].histories["val/nll"]][1:] == [(2, "2.5")]


def test_epochs_that_a_resumed_trial_writes_again_are_not_sent_again(home, client, mirror):
    folder = Folder(home)
    live = mirror(folder)
    folder.epochs(folder.begin(), 1, 2)
    live.synchronise()
    (folder.trial(0) / "metrics.jsonl").write_text(line(1, {"val/nll": 0.5}))
    live.synchronise()
    folder.write(0, line(2, {"val/nll": 0.25}) + line(3, {"val/nll": 0.125}))
    live.synchronise()
    history = observe(client, folder)[1].histories["val/nll"]
    assert [(step, value) for step, _, value in history] == [(1, "100.0"), (2, "50.0"), (3, "0.125")]


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


def test_an_interrupted_sweep_is_killed_and_a_resumed_one_runs_on_in_the_same_runs(home, client, mirror):
    folder = Folder(home)
    folder.epochs(folder.begin(), 1)
    first = mirror(folder)
    first.synchronise("interrupted")
    first.close()
    assert [run.status for run in observe(client, folder)] == ["KILLED", "KILLED"]
    second = mirror(folder)
    second.synchronise()
    assert [run.status for run in observe(client, folder)] == ["RUNNING", "RUNNING"]
    folder.epochs(0, 2)
    folder.end(0)
    second.synchronise("finished")
    parent, child = observe(client, folder)
    assert (parent.status, child.status) == ("FINISHED", "FINISHED")
    assert [step for step, _, _ in child.histories["val/nll"]] == [1, 2]


def test_waiting_trials_and_a_sweep_without_a_journal_yet_are_no_error(home, client, mirror):
    folder = Folder(home)
    (folder.path / "study.journal").unlink()
    assert mirror(folder).synchronise()
    assert [run.name for run in observe(client, folder)] == [folder.path.name]


def test_two_sweeps_of_one_name_share_an_experiment_and_nothing_else(home, client, mirror):
    folder = finished(home / "sweeps")
    other = finished(home / "sweeps" / "other")
    other.path = other.path.rename(folder.path.with_name("tracked-20251122-d4e5f6"))
    for each in (folder, other):
        assert mirror(each).synchronise("finished")
    runs = observe(client, folder)
    assert len(runs) == 12
    assert sorted({run.parent for run in runs if run.parent}) == [folder.path.name, other.path.name]


def test_one_mirror_at_a_time_has_a_sweep(home, mirror):
    folder = finished(home)
    assert mirror(folder).synchronise()
    second = mirror(folder)
    assert not second.synchronise()
    assert "held by another process" in str(second.problem)
    with pytest.raises(SweeperError, match="held by another process"):
        sync(folder.path, default_uri(home))


def test_sync_says_interrupted_of_a_sweep_with_trials_that_never_ended(home, client):
    folder = Folder(home)
    folder.epochs(folder.begin(), 1)
    sync(folder.path, default_uri(home))
    assert [run.status for run in observe(client, folder)] == ["KILLED", "KILLED"]


def test_what_was_deleted_in_the_ui_stays_deleted_and_stops_nothing(home, client, mirror):
    folder = finished(home)
    with closing(Mirror(folder.path, default_uri(home))) as first:
        first.synchronise()
    experiment = client.get_experiment_by_name(folder.name)
    runs = client.search_runs([experiment.experiment_id], filter_string="tags.`sweeper.trial` = '0'")
    client.delete_run(runs[0].info.run_id)
    (folder.trial(0) / "reconstructions.png").write_bytes(b"late")
    folder.epochs(folder.begin("fc"), 1)
    assert mirror(folder).synchronise("finished")
    left = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.tags.get("sweeper.trial", "parent") for run in left) == ["1", "2", "3", "4", "5", "parent"]
    assert len(observe(client, folder)) == 7


def test_an_experiment_in_the_bin_is_taken_out_of_it(home, client, mirror):
    folder = finished(home)
    with closing(Mirror(folder.path, default_uri(home))) as first:
        first.synchronise("finished")
    before = observe(client, folder)
    client.delete_experiment(client.get_experiment_by_name(folder.name).experiment_id)
    folder.epochs(folder.begin("fc"), 1)
    assert mirror(folder).synchronise("finished")
    assert client.get_experiment_by_name(folder.name).lifecycle_stage == "active"
    after = observe(client, folder)
    assert [run.name for run in after] == [*(run.name for run in before), folder.trial(5).name]
