"""The sweep as a state machine: budgets, seeds, grids, and that the study alone carries its state."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from driven import drive, timeless
from support.sweeps import make_spec, quality, simulated

from sweeper.errors import UsageError
from sweeper.search import Report, Sweep, TrialRecord, read_records


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
