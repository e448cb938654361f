"""The sweep as a state machine: budgets, stopping, finals, and that the study alone carries its state."""

import dataclasses
import math
from collections import Counter
from datetime import datetime, timedelta

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


def test_a_widened_grid_repeats_no_point(tmp_path):
    def layers(low: int) -> list[int]:
        backbone = {"choose": {"fc": {"layers": {"int": [low, 3]}}}}
        spec = make_spec(1, backbone=backbone, lr=1e-3, search="grid", trials=99, finals=None, arms=None)
        records = simulated(spec, tmp_path)
        points = [tuple(record.parameters.values()) for record in records]
        assert len(set(points)) == len(points)
        return [record.config["model"]["backbone"]["layers"] for record in records]

    before = layers(2)
    assert Counter(before) == {2: 3, 3: 3}
    assert layers(1) == [*before, 1, 1, 1]


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
        measured = {"val/nll": value}
        sweep.report(again.number, Report(epoch, epoch * 1000, value, epoch == 3, test, measured, seconds=float(epoch)))
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


class JumpingClock(datetime):
    """A clock that is put back by a day each time that it is looked at."""

    @classmethod
    def now(cls, tz=None):
        cls.days = getattr(cls, "days", 0) + 1
        return super().now(tz) - timedelta(days=cls.days)


@pytest.mark.parametrize("clock", [datetime, JumpingClock])
def test_a_time_budget_is_shared_equally_and_counts_seconds_of_training_not_the_clock(tmp_path, monkeypatch, clock):
    monkeypatch.setattr("optuna.storages.journal._storage.datetime", clock)
    sweep = Sweep(make_spec(trials=None, budget={"hours": 0.1}, finals=None), tmp_path, 1)
    begun = []
    while (assignment := sweep.next()) is not None:
        begun.append(assignment.arm)
        seconds = 80.0 if assignment.arm == "fc" else 40.0
        sweep.report(assignment.number, Report(9, 900, 1.0, done=True, seconds=seconds))
    assert Counter(begun) == {"fc": 3, "conv": 5}
    assert [record.seconds for record in read_records(tmp_path)][:2] == [80.0, 40.0]


def test_the_seconds_of_a_failed_trial_are_those_that_were_heard(tmp_path):
    sweep = Sweep(make_spec(trials=None, budget={"hours": 0.1}), tmp_path, 1)
    number = sweep.next().number
    sweep.report(number, Report(1, 100, 1.0, done=False, seconds=70.0))
    assert sweep.next().arm == "conv"
    sweep.fail(number, "RuntimeError: out of luck")
    sweep.fail(1, "RuntimeError: before the first epoch")
    assert [record.seconds for record in read_records(tmp_path)] == [70.0, None]


def fails_for_conv(config, seed, epoch):
    if config["model"]["backbone"]["name"] == "conv":
        raise RuntimeError("out of luck")
    return quality(config, seed, epoch)


def test_an_arm_that_fails_everywhere_stops_early_and_the_others_go_on(tmp_path):
    spec = make_spec(trials=40)
    records = simulated(spec, tmp_path, metric=fails_for_conv)
    assert Counter((record.arm, record.phase) for record in records) == {
        ("fc", "search"): 20,
        ("conv", "search"): 5,
        ("fc", "finals"): 2,
    }
    sweep = Sweep(spec, tmp_path, 1)
    assert sweep.finished
    assert sweep.broken_arms() == {
        "conv": "the first 5 trials of arm conv all failed, the last one: RuntimeError: out of luck; "
        "it begins no more of its 20"
    }


def test_an_arm_of_which_any_trial_did_not_fail_is_not_broken(tmp_path):
    sweep = Sweep(make_spec(trials=None, budget={"hours": 1.0}, failures={"arm": 2}), tmp_path, 1)
    for _ in range(4):
        sweep.fail(sweep.next().number, "RuntimeError: no")
        number = sweep.next().number
        if number == 1:
            drive(sweep, sweep.records()[1], math.nan, 1)
        else:
            sweep.fail(number, "RuntimeError: no")
    assert sweep.broken_arms() == {
        "fc": "the first 2 trials of arm fc all failed, the last one: RuntimeError: no; it begins no more"
    }
    assert sweep.next().arm == "conv"


def test_a_sweep_of_which_all_arms_are_broken_is_finished(tmp_path):
    sweep = Sweep(make_spec(failures={"arm": 1}), tmp_path, 1)
    while (assignment := sweep.next()) is not None:
        sweep.fail(assignment.number, "ValueError: no")
    assert sweep.finished
    assert set(sweep.broken_arms()) == {"fc", "conv"}
    assert len(sweep.records()) == 2


def test_a_trial_that_ran_out_of_memory_is_handed_out_again_with_a_larger_share(tmp_path):
    sweep = Sweep(make_spec(), tmp_path, 2)
    first, _ = sweep.next(), sweep.next()
    assert first.scale == 1
    sweep.enlarge(first.number)
    assert sweep.next() == dataclasses.replace(first, scale=2)
    sweep.enlarge(first.number)
    resumed = Sweep(make_spec(), tmp_path, 2)
    assert resumed.next() == dataclasses.replace(first, scale=4)
    assert [record.scale for record in resumed.records()] == [4, 1]


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
