"""Protects sweeps that go on under a wider file: what was added is tried, and no trial that was there is changed."""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from driven import timeless
from support.sweeps import make_spec, quality, simulated
from widened import NOW, begin, changed, leave_in_the_middle, quick_disk, tell

from sweeper.execution.widening import widen
from sweeper.search import Sweep, TrialRecord, read_records
from sweeper.spec import Spec

OBJECTIVES = "objective={choose: {elbo: {beta: {choice: [1, 4]}}, iwae: {k: {choice: [1, 5]}}}}"

_quick_disk = pytest.fixture(autouse=True)(quick_disk)


def best_with_many_variables(config: dict[str, Any], seed: int, epoch: int) -> float:
    return quality(config, seed, epoch) - 4 * config["model"]["latent_dim"]


def without_parameters(records: list[TrialRecord]) -> list[TrialRecord]:
    return [dataclasses.replace(record, parameters={}) for record in records]


def searched(records: list[TrialRecord]) -> list[TrialRecord]:
    return [record for record in records if record.phase == "search"]


@pytest.mark.parametrize("search", ["tpe", "random", "qmc"])
def test_options_are_tried_that_were_added(tmp_path: Path, search: str) -> None:
    spec = make_spec(trials=32, search=search, finals=None)
    before = simulated(spec, begin(tmp_path, spec), metric=best_with_many_variables)
    wide = changed(spec, "model.latent_dim={choice: [2, 4, 8, 16]}", "sweep.trials=56")
    widen(tmp_path, wide, NOW)
    assert read_records(tmp_path) == before
    after = simulated(wide, tmp_path, metric=best_with_many_variables)
    assert after[:32] == before
    assert sum(record.config["model"]["latent_dim"] == 16 for record in after) >= 3


class TestWhatMayBeAdded:
    def test_the_ends_of_a_range(self, tmp_path: Path) -> None:
        spec = make_spec(trials=8, finals=None)
        before = simulated(spec, begin(tmp_path, spec))
        wide = changed(spec, "training.optimizer.lr={float: [1e-6, 1], log: true}", "sweep.trials=24")
        widen(tmp_path, wide, NOW)
        after = simulated(wide, tmp_path)
        assert after[:8] == before
        rates = [record.config["training"]["optimizer"]["lr"] for record in after[8:]]
        assert min(rates) < 1e-4 < 1e-2 < max(rates)

    def test_a_choice_where_there_was_one_value(self, tmp_path: Path) -> None:
        spec = make_spec(trials=8, finals=None)
        before = simulated(spec, begin(tmp_path, spec))
        wide = changed(spec, "training.batch_size={choice: [64, 128]}", "sweep.trials=24")
        widen(tmp_path, wide, NOW)
        placed = read_records(tmp_path)
        assert without_parameters(placed) == without_parameters(before)
        assert {record.parameters["training.batch_size"] for record in placed} == {64}
        after = simulated(wide, tmp_path)
        assert after[:8] == placed
        assert {record.config["training"]["batch_size"] for record in after[8:]} == {64, 128}

    def test_a_range_where_there_was_one_value_in_a_branch(self, tmp_path: Path) -> None:
        wide = make_spec(trials=24, finals=None, search="random")
        spec = changed(wide, "model.backbone.fc.hidden=128", "sweep.trials=8")
        before = simulated(spec, begin(tmp_path, spec))
        widen(tmp_path, wide, NOW)
        after = simulated(wide, tmp_path)
        assert without_parameters(after[:8]) == without_parameters(before)
        assert len({record.config["model"]["backbone"]["hidden"] for record in after if record.arm == "fc"}) > 4

    def test_a_branch(self, tmp_path: Path) -> None:
        spec = changed(make_spec(trials=8, finals=None), OBJECTIVES)
        before = simulated(spec, begin(tmp_path, spec))
        wide = changed(spec, "objective.choose.jensen_shannon={}", "sweep.trials=24")
        widen(tmp_path, wide, NOW)
        after = simulated(wide, tmp_path)
        assert after[:8] == before
        assert "jensen_shannon" in {record.config["objective"]["name"] for record in after}

    def test_an_arm_which_gets_as_many_trials(self, tmp_path: Path) -> None:
        spec = make_spec(trials=8, search="random", finals={"top": 1, "seeds": 1})
        before = simulated(spec, begin(tmp_path, spec))
        wide = changed(spec, "model.backbone.choose.residual={layers: {int: [1, 2]}}", "sweep.trials=12")
        widen(tmp_path, wide, NOW)
        after = simulated(wide, tmp_path)
        assert after[:10] == before
        assert Counter((record.arm, record.phase) for record in after) == {
            (arm, phase): trials
            for arm in ("fc", "conv", "residual")
            for phase, trials in (("search", 4), ("finals", 1))
        }

    def test_the_same_branches_in_another_order(self, tmp_path: Path) -> None:
        """Nothing is added, but Optuna would refuse to go on with options in another order."""
        spec = changed(make_spec(trials=8, finals=None, search="random"), OBJECTIVES)
        simulated(spec, begin(tmp_path, spec))
        turned = make_turned(spec)
        assert turned == spec
        assert widen(tmp_path, turned, NOW) == ()
        before = read_records(tmp_path)
        assert simulated(changed(turned, "sweep.trials=12"), tmp_path)[:8] == before


def make_turned(spec: Spec) -> Spec:
    """Return a specification whose objectives stand in another order."""
    return changed(spec, "objective={choose: {iwae: {k: {choice: [1, 5]}}, elbo: {beta: {choice: [1, 4]}}}}")


def test_a_sweep_that_was_widened_is_the_same_every_time(tmp_path: Path) -> None:
    spec = make_spec(trials=12)
    wide = changed(spec, "model.latent_dim={choice: [2, 4, 8, 16]}", "sweep.trials=24")

    def run(name: str) -> list[TrialRecord]:
        folder = begin(tmp_path / name, spec)
        simulated(spec, folder)
        widen(folder, wide, NOW)
        return timeless(simulated(wide, folder))

    assert run("first") == run("second")


def test_a_grid_tries_what_was_added_and_repeats_nothing(tmp_path: Path) -> None:
    backbone = {"choose": {"fc": {"layers": {"int": [1, 3]}}, "conv": {"layers": {"int": [1, 2]}}}}
    spec = make_spec(backbone=backbone, lr=1e-3, search="grid", trials=100, finals=None, stopping="none")
    before = simulated(spec, begin(tmp_path, spec))
    wide = changed(spec, "model.latent_dim={choice: [16, 2, 4, 8]}", "training.optimizer.lr={choice: [1e-4, 1e-3]}")
    widen(tmp_path, wide, NOW)
    after = simulated(wide, tmp_path)
    assert without_parameters(after[: len(before)]) == without_parameters(before)
    points = Counter((record.arm, *sorted(record.parameters.items())) for record in after)
    assert len(points) == 4 * 2 * (3 + 2)
    assert set(points.values()) == {1}


class TestTrialsThatRan:
    def test_they_go_on_under_their_numbers_with_what_they_had_reported(self, tmp_path: Path) -> None:
        spec = make_spec(trials=12, stopping="none")
        numbers = leave_in_the_middle(spec, begin(tmp_path, spec), trials=4)
        before = read_records(tmp_path)
        wide = changed(spec, "model.latent_dim={choice: [2, 4, 8, 16]}", "training.batch_size={choice: [64, 32]}")
        widen(tmp_path, wide, NOW)
        assert without_parameters(read_records(tmp_path)) == without_parameters(before)
        sweep = Sweep(wide, tmp_path, workers=2)
        by_number = {record.number: record for record in before}
        for number in numbers:
            assignment = sweep.next()
            assert assignment.number == number
            assert assignment.config == by_number[number].config
            tell(sweep, wide, number, range(1, 10))
        after = simulated(wide, tmp_path)
        assert [len(record.curve) for record in after] == [9] * len(after)
        assert Counter(record.state for record in after) == {"complete": 12 + 2 * 2}

    def test_rungs_are_remembered(self, tmp_path: Path) -> None:
        """Without what Optuna noted of rungs that were reached, ASHA would let the next trials through."""
        spec = make_spec(trials=24, finals=None, search="random")
        wide = changed(spec, "training.batch_size={choice: [64]}")

        def run(name: str, to: Spec) -> list[tuple[str, str | None]]:
            folder = begin(tmp_path / name, spec)
            leave_in_the_middle(spec, folder, trials=8)
            widen(folder, to, NOW)
            return [(record.state, record.reason) for record in simulated(to, folder)]

        assert run("widened", wide) == run("as it was", spec)

    def test_finals_that_were_begun_stay_and_the_others_are_planned_anew(self, tmp_path: Path) -> None:
        spec = make_spec(trials=4, finals={"top": 1, "seeds": 3}, stopping="none")
        sweep = Sweep(spec, begin(tmp_path, spec), workers=1)
        while (assignment := sweep.next()).phase == "search":
            tell(sweep, spec, assignment.number, range(1, 10))
        tell(sweep, spec, assignment.number, range(1, 10))
        first = [record for record in read_records(tmp_path) if record.begun]
        wide = changed(spec, "sweep.trials=40")
        widen(tmp_path, wide, NOW)
        assert read_records(tmp_path) == first
        after = simulated(wide, tmp_path)
        assert after[: len(first)] == first
        assert [record.number for record in after] == list(range(len(after)))
        finals = Counter(record.source for record in after if record.phase == "finals")
        best = min((record for record in searched(after) if record.arm == "fc"), key=lambda record: record.value)
        assert finals[best.number] == 3
        assert finals.total() == (6 if first[-1].source == best.number else 7)
