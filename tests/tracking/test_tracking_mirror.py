"""MLflow says what the sweep's folder says: one parent, a child per trial, every epoch once, statuses and tags.

Protects against PITFALLS 6 (odd metrics) and 8 (no parents).
"""

import json
import math
from contextlib import closing

import pytest
from fabricated_folder import BEGIN, IMAGES, METRICS, Folder, finished
from observed import observe

from sweeper.tracking import default_uri
from sweeper.tracking.mirror import Mirror

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


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


def test_what_is_running_is_visible_before_it_ends(home, client, mirror):
    folder = Folder(home)
    live = mirror(folder)
    folder.epochs(folder.begin(), 1)
    live.synchronise()
    parent, child = observe(client, folder)
    assert (parent.status, child.status, child.tags["sweeper.state"]) == ("RUNNING", "RUNNING", "running")
    assert [step for step, _, _ in child.histories["val/nll"]] == [1]


def test_waiting_trials_and_a_sweep_without_a_journal_yet_are_no_error(home, client, mirror):
    folder = Folder(home)
    (folder.path / "study.journal").unlink()
    assert mirror(folder).synchronise()
    assert [run.name for run in observe(client, folder)] == [folder.path.name]
