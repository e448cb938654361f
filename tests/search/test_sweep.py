"""The sweep as a state machine: budgets, stopping, finals, and that the study alone carries its state."""

import dataclasses
import math
from collections import Counter

import optuna
import pytest
from support.sweeps import make_spec, quality, simulated

from sweeper.errors import UsageError
from sweeper.search import Assignment, Decision, Report, Sweep, TrialRecord, read_records


def timeless(records: list[TrialRecord]) -> list[TrialRecord]:
    """Return records without the times of day at which they were written."""
    return [dataclasses.replace(record, started=None, ended=None) for record in records]


def drive(sweep: Sweep, assignment: Assignment, value: float, epoch: int, epochs: int = 9) -> Decision:
    return sweep.report(assignment.number, Report(epoch, epoch * 100, value, done=epoch == epochs))


def test_each_arm_gets_the_same_number_of_search_trials_and_its_own_finals(tmp_path):
    records = simulated(make_spec(trials=12), tmp_path)
    assert Counter((record.arm, record.phase) for record in records) == {
        ("fc", "search"): 6,
        ("conv", "search"): 6,
        ("fc", "finals"): 2,
        ("conv", "finals"): 2,
    }
    assert [record.number for record in records] == list(range(16))
    assert all(record.finished for record in records)


@pytest.mark.parametrize("search", ["tpe", "random", "grid", "qmc"])
def test_the_same_seed_gives_the_same_sweep_and_another_seed_another(tmp_path, search):
    lr = {"choice": [1e-4, 1e-3, 1e-2]}

    def run(name: str, seed: int) -> list[TrialRecord]:
        (tmp_path / name).mkdir()
        spec = make_spec(search={"name": search}, seed=seed, lr=lr, trials=24)
        return timeless(simulated(spec, tmp_path / name))

    assert run("a", 0) == run("b", 0)
    assert [record.seed for record in run("c", 1)] != [record.seed for record in run("d", 0)]


def test_parallel_workers_train_every_trial_once(tmp_path):
    records = simulated(make_spec(trials=24), tmp_path, workers=4)
    assert len({record.number for record in records}) == len(records) == 24 + 4
    assert all(record.finished for record in records)


def test_every_epoch_is_in_the_study_with_the_images_seen(tmp_path):
    for record in simulated(make_spec(), tmp_path):
        epochs = len(record.curve)
        assert [images for images, _ in record.curve] == [1000 * (epoch + 1) for epoch in range(epochs)]
        assert epochs == 9 if record.state == "complete" else epochs in (1, 3)


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


def test_a_failed_trial_carries_its_reason_and_counts_as_spent(tmp_path):
    def metric(config, seed, epoch):
        if config["model"]["backbone"]["name"] == "conv":
            raise RuntimeError("out of luck")
        return quality(config, seed, epoch)

    records = simulated(make_spec(trials=8), tmp_path, metric=metric)
    conv = [record for record in records if record.arm == "conv"]
    assert [(record.state, record.reason) for record in conv] == [("failed", "RuntimeError: out of luck")] * 4
    assert {record.arm for record in records if record.phase == "finals"} == {"fc"}


def test_finals_repeat_the_best_of_the_arm_with_fresh_seeds_and_are_tested(tmp_path):
    records = simulated(make_spec(finals={"top": 2, "seeds": 3}), tmp_path)
    for arm in ("fc", "conv"):
        search = [record for record in records if record.arm == arm and record.phase == "search"]
        finals = [record for record in records if record.arm == arm and record.phase == "finals"]
        complete = sorted((record for record in search if record.state == "complete"), key=lambda r: r.value)
        sources = [record.number for record in complete[:2]]
        assert Counter(record.source for record in finals) == dict.fromkeys(sources, 3)
        by_number = {record.number: record for record in search}
        assert all(record.config == by_number[record.source].config for record in finals)
        seeds = {record.seed for record in records}
        assert len(seeds) == len(records)
        assert all(set(record.test) == {"test/nll"} and len(record.curve) == 9 for record in finals)
        assert not any(record.test for record in search)


def test_trials_that_were_stopped_latest_make_up_the_number_of_finalists(tmp_path):
    records = simulated(make_spec(epochs=4, trials=8, finals={"top": 4, "seeds": 1}), tmp_path)
    for arm in ("fc", "conv"):
        search = [record for record in records if record.arm == arm and record.phase == "search"]
        lengths = {record.number: len(record.curve) for record in search}
        chosen = [lengths[record.source] for record in records if record.arm == arm and record.phase == "finals"]
        assert chosen == sorted(lengths.values(), reverse=True)
        assert min(chosen) < 4


def test_a_trial_whose_metric_was_no_number_is_no_finalist(tmp_path):
    def metric(config, seed, epoch):
        diverges = config["model"]["backbone"]["name"] == "conv" and epoch == 3
        return math.nan if diverges else quality(config, seed, epoch)

    records = simulated(make_spec(epochs=4, trials=8, stopping="none"), tmp_path, metric=metric)
    assert {record.state for record in records if record.arm == "conv"} == {"pruned"}
    assert {record.arm for record in records if record.phase == "finals"} == {"fc"}


def test_without_finals_a_sweep_ends_with_its_search(tmp_path):
    records = simulated(make_spec(finals=None), tmp_path)
    assert {record.phase for record in records} == {"search"}


def test_trials_that_cannot_be_shared_equally_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"sweep.trials: found 7; must be a multiple of 2.*6 or 8"):
        Sweep(make_spec(trials=7), tmp_path, 1)


def test_a_grid_visits_every_point_once_and_ends(tmp_path):
    backbone = {"choose": {"fc": {"layers": {"int": [1, 3]}}, "conv": {"layers": {"int": [1, 2]}}}}
    spec = make_spec(backbone=backbone, lr=1e-3, search="grid", trials=100, finals=None, stopping="none")
    records = simulated(spec, tmp_path)
    points = Counter((r.arm, r.config["model"]["latent_dim"], r.config["model"]["backbone"]["layers"]) for r in records)
    assert len(points) == 3 * 3 + 3 * 2
    assert set(points.values()) == {1}


def test_a_grid_over_a_continuous_range_is_refused(tmp_path):
    with pytest.raises(UsageError, match="lr: found a float range without a step; a grid needs a finite space"):
        Sweep(make_spec(search="grid"), tmp_path, 1)


def test_a_sweep_killed_after_any_step_goes_on_as_if_it_had_not_been(tmp_path):
    """PITFALLS 1, 2, 15: a new process that knows nothing but the folder makes the same decisions."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    spec = make_spec(epochs=3, trials=8)
    expected = simulated(spec, whole)
    epochs: Counter[int] = Counter()
    while (assignment := Sweep(spec, killed, 1).next()) is not None:
        sweep = Sweep(spec, killed, 1)
        again = sweep.next()
        assert again == assignment
        epochs[again.number] += 1
        epoch = epochs[again.number]
        value = quality(again.config, again.seed, epoch)
        test = {"test/nll": value} if epoch == 3 and again.phase == "finals" else {}
        done, measured = epoch == 3, {"val/nll": value}
        sweep.report(again.number, Report(epoch, epoch * 1000, value, done, test, measured))
    assert timeless(read_records(killed)) == timeless(expected)


def test_telling_an_epoch_twice_changes_nothing(tmp_path):
    sweep = Sweep(make_spec(stopping="none"), tmp_path, 1)
    assignment = sweep.next()
    drive(sweep, assignment, 5.0, 1)
    drive(sweep, assignment, 5.0, 1)
    assert sweep.records()[0].curve == ((100, 5.0),)


def test_a_trial_that_lost_its_worker_is_handed_out_again_first(tmp_path):
    sweep = Sweep(make_spec(), tmp_path, 2)
    first, _ = sweep.next(), sweep.next()
    sweep.requeue(first.number)
    assert sweep.next() == first


def test_a_time_budget_is_shared_equally_and_stops_new_trials(tmp_path):
    spec = make_spec(trials=None, budget={"hours": 1e-9}, finals=None)
    sweep = Sweep(spec, tmp_path, 1)
    begun = []
    while (assignment := sweep.next()) is not None:
        begun.append(assignment.arm)
        drive(sweep, assignment, 1.0, 9)
    assert begun == ["fc", "conv"]


def test_parameters_do_not_depend_on_global_random_state(tmp_path):
    import random

    import numpy as np

    def first_parameters(name: str, seed: int) -> dict[str, object]:
        (tmp_path / name).mkdir()
        random.seed(seed)
        np.random.seed(seed)
        sweep = Sweep(make_spec(), tmp_path / name, 1)
        sweep.next()
        return sweep.records()[0].parameters

    assert first_parameters("a", 1) == first_parameters("b", 2)


def test_a_record_knows_its_epochs_where_only_every_third_is_measured(tmp_path):
    spec = make_spec(epochs=10, trials=6, stopping={"name": "asha", "grace": 3}, evaluation={"every": 3, "images": 100})
    records = simulated(spec, tmp_path)
    assert {record.state for record in records} >= {"complete", "pruned"}
    for record in records:
        measured_at = [record.epoch_at(images) for images, _ in record.curve]
        assert measured_at == [3, 6, 9, 10][: len(record.curve)]
        assert record.epochs == (10 if record.state == "complete" else measured_at[-1])
