"""Which trials a sweep stops before their last epoch, and how Optuna's study knows of them."""

import math
from collections import Counter

import optuna
import pytest
from driven import drive
from support.sweeps import make_spec, simulated

from sweeper.search import Decision, Sweep, read_records


def test_a_pruned_trial_is_told_with_its_last_step(tmp_path):
    """PITFALLS 3: Tune tells a stopped trial as complete and drops its last result."""
    simulated(make_spec(), tmp_path)
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(tmp_path / "study.journal"))
    )
    trials = optuna.load_study(study_name="search/fc", storage=storage).trials
    pruned = [trial for trial in trials if trial.state is optuna.trial.TrialState.PRUNED]
    assert pruned
    for trial in pruned:
        assert trial.value == trial.intermediate_values[max(trial.intermediate_values)]
        assert trial.user_attrs["reason"].startswith("stopped by asha after epoch")


def test_asha_keeps_the_best_third_of_each_rung(tmp_path):
    spec = make_spec(epochs=3, trials=18, search="random")
    sweep = Sweep(spec, tmp_path, 1)
    decisions: dict[str, list[Decision]] = {"fc": [], "conv": []}
    for value in range(9):  # From best to worst: only what is among the best third when it arrives goes on.
        for _ in range(2):
            assignment = sweep.next()
            decision = drive(sweep, assignment, float(value), 1, epochs=3)
            decisions[assignment.arm].append(decision)
            if decision is Decision.CONTINUE:
                drive(sweep, assignment, float(value), 3, epochs=3)
    assert decisions["fc"] == decisions["conv"]
    assert decisions["fc"] == [Decision.CONTINUE] + [Decision.STOP] * 8


def test_results_from_worst_to_best_all_go_on(tmp_path):
    """PITFALLS 11: what the stopping variant of ASHA does and the README says; only promotion would do better."""
    sweep = Sweep(make_spec(epochs=3, trials=18, search="random"), tmp_path, 1)
    decisions = [drive(sweep, sweep.next(), float(100 - number), 1, epochs=3) for number in range(18)]
    assert decisions == [Decision.CONTINUE] * 18


def test_a_fast_starter_does_not_starve_a_slow_one(tmp_path):
    """PITFALLS 12: with one bracket, the arm that is worse at first would lose all its trials at the first rung."""

    def metric(config, seed, epoch):
        slow = config["model"]["backbone"]["name"] == "conv"
        return (200 / epoch if slow else 50) + config["training"]["optimizer"]["lr"]

    records = simulated(make_spec(trials=24), tmp_path, metric=metric)
    completed = Counter(record.arm for record in records if record.phase == "search" and record.state == "complete")
    assert completed["conv"] >= 2
    assert completed["fc"] >= 2


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_non_finite_metric_stops_the_trial_with_the_reason(tmp_path, value):
    """PITFALLS 4: NaN survives every comparison."""
    sweep = Sweep(make_spec(), tmp_path, 1)
    assignment = sweep.next()
    assert drive(sweep, assignment, value, 2) is Decision.STOP
    (record,) = [record for record in sweep.records() if record.number == assignment.number]
    assert record.state == "pruned"
    assert record.reason == f"val/nll is {value} after epoch 2"


def test_a_non_finite_metric_at_the_last_epoch_is_a_failure(tmp_path):
    """PITFALLS 5: told as it is, Optuna would leave the trial running for ever."""
    sweep = Sweep(make_spec(), tmp_path, 1)
    assignment = sweep.next()
    drive(sweep, assignment, 1.0, 1)
    assert drive(sweep, assignment, math.nan, 9) is Decision.STOP
    assert [record.state for record in read_records(tmp_path)] == ["failed"]
