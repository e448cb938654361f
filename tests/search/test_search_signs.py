"""Early signs as stopping rules: the listed ones stop trials of the search with their reason, and no other trial."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from support.sweeps import make_spec, simulated

from sweeper.search import Decision, Report, Sweep, TrialRecord, read_records
from sweeper.search.finals import finalists

FEW = {"mode_collapsed": "3 of 10 classes covered, fewer than half, after epoch 2"}
STOPPING = [{"name": "asha", "grace": 9}, {"name": "median", "grace": 9}, {"name": "none"}]


def told(
    folder: Path, *signs: dict[str, str], done: bool = False, **stopping: Any
) -> tuple[Sweep, list[Decision], TrialRecord]:
    """Return a sweep whose first trial reported those signs, one epoch after the other, and what came of it."""
    sweep = Sweep(make_spec(stopping={"name": "none", **stopping}), folder, 1)
    number = sweep.next().number
    decisions = [
        sweep.report(number, Report(epoch, epoch * 100, 5.0, done=done and epoch == len(signs), signs=each))
        for epoch, each in enumerate(signs, start=1)
    ]
    return sweep, decisions, read_records(folder)[0]


@pytest.mark.parametrize("rule", STOPPING, ids=lambda rule: rule["name"])
def test_a_listed_sign_stops_a_trial_whatever_the_rule(tmp_path, rule):
    _, decisions, record = told(tmp_path, {}, FEW, **rule, also=["collapsed"])
    assert decisions == [Decision.CONTINUE, Decision.STOP]
    assert (record.state, record.value, record.signs) == ("pruned", 5.0, FEW)
    assert record.reason == f"stopped: mode_collapsed: {FEW['mode_collapsed']}"


@pytest.mark.parametrize("also", [[], ["diverged", "posterior_collapsed", "critic_stopped"]])
def test_a_sign_that_is_not_listed_is_written_down_alone(tmp_path, also):
    _, decisions, record = told(tmp_path, {}, FEW, also=also)
    assert decisions == [Decision.CONTINUE] * 2
    assert (record.state, record.signs, record.reason) == ("running", FEW, None)


def test_a_trial_at_its_end_is_complete_and_keeps_its_signs(tmp_path):
    _, _, record = told(tmp_path, {}, FEW, done=True, also=["collapsed"])
    assert (record.state, record.value, record.signs) == ("complete", 5.0, FEW)


def test_a_trial_has_the_signs_of_its_last_measurement(tmp_path):
    _, _, record = told(tmp_path, FEW, {})
    assert record.signs == {}


def test_the_sampler_learns_from_a_trial_that_a_sign_stopped(tmp_path):
    told(tmp_path, FEW, also=["mode_collapsed"])
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(tmp_path / "study.journal"))
    )
    (trial,) = optuna.load_study(study_name="search/fc", storage=storage).trials
    assert trial.state is optuna.trial.TrialState.PRUNED
    assert trial.intermediate_values == {100: 5.0}


def collapses(config: dict[str, Any], seed: int, epoch: int) -> dict[str, float]:
    """Return what an arm measures whose latent variables tell nothing, and one whose do."""
    kl = 0.01 if config["model"]["backbone"]["name"] == "conv" else 3.0
    return {"val/reconstruction": 30.0, "val/kl": kl}


def test_every_trial_of_an_arm_that_collapses_is_stopped_and_its_finals_are_not(tmp_path):
    spec = make_spec(trials=8, stopping={"name": "none", "also": ["diverged", "collapsed"]})
    records = simulated(spec, tmp_path, beside=collapses)
    reason = "a KL of 0.01 nats, below 0.1, after epoch"
    for record in records:
        stopped = (record.arm, record.phase) == ("conv", "search")
        assert record.state == ("pruned" if stopped else "complete")
        assert record.reason == (f"stopped: posterior_collapsed: {reason} 5" if stopped else None)
        last = 5 if stopped else 9
        assert len(record.curve) == last
        assert record.signs == ({"posterior_collapsed": f"{reason} {last}"} if record.arm == "conv" else {})
        assert record.measured["val/kl"] == collapses(record.config, record.seed, last)["val/kl"]
    assert {record.arm for record in records if record.phase == "finals"} == {"fc", "conv"}


@pytest.mark.parametrize(("also", "order"), [(["collapsed"], [0, 1]), ([], [1, 0])])
def test_a_trial_that_a_sign_stopped_is_the_last_to_become_a_finalist(tmp_path, also, order):
    """Though it came farther, and to a better value, than one that was only slower than others."""
    _, _, record = told(tmp_path, {})
    slow = replace(record, number=0, state="pruned", curve=((100, 9.0),), value=9.0, config={"of": "slow"})
    sick = replace(record, number=1, state="pruned", curve=((900, 4.0),), value=4.0, config={"of": "sick"}, signs=FEW)
    settings = make_spec(stopping={"name": "none", "also": also}, finals={"top": 2, "seeds": 1}).settings
    assert [finalist.number for finalist in finalists([sick, slow], settings)] == order
