"""Protects against a mirror that depends on when it looked: often or once, again, after a restart, in mid-line.

PITFALLS 7: a resumed sweep has no run and no point twice.
"""

import shutil
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from fabricated_folder import Folder, finished, line, unfold
from observed import observe

from sweeper.tracking import default_uri
from sweeper.tracking.mirror import Mirror, sync
from sweeper.tracking.store import connect

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


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


def test_sync_says_interrupted_of_a_sweep_with_trials_that_never_ended(home, client):
    folder = Folder(home)
    folder.epochs(folder.begin(), 1)
    sync(folder.path, default_uri(home))
    assert [run.status for run in observe(client, folder)] == ["KILLED", "KILLED"]
