"""Protects sweeps that go on under a wider file: what was added is tried, and no trial that was there is changed."""

import dataclasses
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support.sweeps import make_spec, quality, simulated

from sweeper.errors import UsageError
from sweeper.execution.widening import widen
from sweeper.search import Report, Sweep, TrialRecord, read_records
from sweeper.search.history import read_history, record_spec, recorded_changes, recorded_spec
from sweeper.search.settled import keep_plan
from sweeper.spec import Spec, parse_spec, read_spec

NOW = datetime(2025, 11, 21, 12)
OBJECTIVES = "objective={choose: {elbo: {beta: {choice: [1, 4]}}, iwae: {k: {choice: [1, 5]}}}}"


@pytest.fixture(autouse=True)
def _quick_disk() -> Any:
    """No journal of a test has to survive a power cut."""
    with patch("os.fsync"):
        yield


def changed(spec: Spec, *overrides: str) -> Spec:
    """Return a specification with other values."""
    return parse_spec(spec.to_yaml(), "wide.yaml", overrides)


def begin(folder: Path, spec: Spec) -> Path:
    """Make a sweep's folder as the command line does."""
    folder.mkdir(exist_ok=True)
    (folder / "sweep.yaml").write_text(spec.to_yaml())
    record_spec(folder, spec)
    return folder


def leave_in_the_middle(spec: Spec, folder: Path, trials: int) -> list[int]:
    """Run so many trials to their end and two more, one in each arm, through one epoch; return the numbers of those."""
    sweep = Sweep(spec, folder, workers=2)
    for _ in range(trials):
        tell(sweep, spec, sweep.next().number, range(1, 10))
    running = [sweep.next().number for _ in range(2)]
    for number in running:
        tell(sweep, spec, number, [1])
    return running


def tell(sweep: Sweep, spec: Spec, number: int, epochs: Any) -> None:
    (config,) = [record.config for record in sweep.records() if record.number == number]
    for epoch in epochs:
        value = quality(config, 0, epoch)
        report = Report(epoch, epoch * 1000, value, done=epoch == config["training"]["epochs"])
        if sweep.report(number, report).value == "stop":
            break


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
        return [dataclasses.replace(record, started=None, ended=None) for record in simulated(wide, folder)]

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


class TestHistory:
    def test_every_change_is_kept_with_when_and_how_many_trials_had_begun(self, tmp_path: Path) -> None:
        spec = make_spec(trials=4, finals=None)
        simulated(spec, begin(tmp_path, spec))
        second = changed(spec, "sweep.trials=8", "sweep.workers=2")
        third = changed(second, "model.latent_dim={choice: [2, 4, 8, 16]}")
        assert [str(change) for change in widen(tmp_path, second, NOW)] == [
            "sweep.trials: 4 -> 8",
            'sweep.workers: "auto" -> 2',
        ]
        simulated(second, tmp_path)
        widen(tmp_path, third, NOW)
        assert [change.to_json() for change in recorded_changes(tmp_path)] == [
            {"when": "2025-11-21T12:00:00", "path": "sweep.trials", "from": 4, "to": 8, "begun": 4},
            {"when": "2025-11-21T12:00:00", "path": "sweep.workers", "from": "auto", "to": 2, "begun": 4},
            {
                "when": "2025-11-21T12:00:00",
                "path": "model.latent_dim",
                "from": {"choice": [2, 4, 8]},
                "to": {"choice": [2, 4, 8, 16]},
                "begun": 8,
            },
        ]
        assert recorded_spec(tmp_path) == read_spec(tmp_path / "sweep.yaml") == third

    def test_the_journals_before_are_kept_beside(self, tmp_path: Path) -> None:
        spec = make_spec(trials=4, finals=None)
        simulated(spec, begin(tmp_path, spec))
        journals = []
        for trials in (8, 12):
            journals.append((tmp_path / "study.journal").read_bytes())
            widen(tmp_path, changed(spec, f"sweep.trials={trials}"), NOW)
        kept = [(tmp_path / f"study.journal.{number}").read_bytes() for number in (1, 2)]
        assert kept == journals
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            *("study.journal", "study.journal.1", "study.journal.2", "sweep.yaml", "trials"),
        ]

    def test_where_nothing_has_changed_nothing_is_written(self, tmp_path: Path) -> None:
        spec = make_spec(trials=4, finals=None)
        simulated(spec, begin(tmp_path, spec))
        before = (tmp_path / "study.journal").read_bytes()
        assert widen(tmp_path, changed(spec), NOW) == ()
        assert (tmp_path / "study.journal").read_bytes() == before

    def test_a_sweep_of_an_older_version_is_what_its_file_says(self, tmp_path: Path) -> None:
        spec = make_spec(trials=4, finals=None)
        (tmp_path / "sweep.yaml").write_text(spec.to_yaml())
        before = simulated(spec, tmp_path)
        assert read_history(tmp_path) is None
        assert widen(tmp_path, spec, NOW) == ()
        assert recorded_spec(tmp_path) == spec
        assert read_records(tmp_path) == before

    def test_a_plan_is_kept_where_a_file_leaves_it_to_auto(self) -> None:
        spec = make_spec()
        left = changed(spec, "sweep.evaluation={every: auto, images: auto}")
        assert keep_plan(spec, left) == spec
        assert keep_plan(spec, changed(spec, "sweep.evaluation.images=50")) != spec


class Killed(BaseException):
    """What a SIGKILL leaves is what is on the disk when this is raised."""


@pytest.mark.parametrize("moment", ["rewrite", "write_history", "write_atomically", "_replace", "os.link"])
def test_a_kill_at_any_moment_leaves_what_the_next_resumption_completes(tmp_path: Path, moment: str) -> None:
    spec = make_spec(trials=8, finals=None)
    wide = changed(spec, "model.latent_dim={choice: [2, 4, 8, 16]}", "sweep.trials=16")
    before = simulated(spec, begin(tmp_path, spec))
    place = "sweeper.search.rewriting" if moment == "write_history" else "sweeper.execution.widening"
    with patch(f"{place}.{moment}", side_effect=Killed), patch("shutil.rmtree"), pytest.raises(Killed):
        widen(tmp_path, wide, NOW)
    assert read_records(tmp_path) == before
    assert recorded_spec(tmp_path) == spec
    left = read_spec(tmp_path / "sweep.yaml")
    assert left == (wide if moment in ("_replace", "os.link") else spec)
    assert len(widen(tmp_path, wide, NOW)) == 2
    assert recorded_spec(tmp_path) == read_spec(tmp_path / "sweep.yaml") == wide
    assert not (tmp_path / "widening").exists()
    after = simulated(wide, tmp_path)
    assert after[: len(before)] == before
    assert len(after) == 16


MUST_STAY = {
    "name": (["name=other"], 'name: found "other"; must stay "test", after which its folder is named'),
    "metric": (["sweep.metric=val/fld"], 'sweep.metric: found "val/fld"; must stay "val/nll", by which its trials are'),
    "mode": (["sweep.mode=maximize"], 'sweep.mode: found "maximize"; must stay nothing, by which its trials are'),
    "arms": (["sweep.arms=model.latent_dim"], 'sweep.arms: found "model.latent_dim"; must stay "model.backbone", of'),
    "seed": (["sweep.seed=1"], "sweep.seed: found 1; must stay 0, from which the seeds of its trials derive"),
    "stopping": (["sweep.stopping=none"], 'sweep.stopping.name: found "none"; must stay "asha", by which its trials'),
    "factor": (["sweep.stopping.factor=4"], "sweep.stopping.factor: found 4; must stay 3, by which its trials were"),
    "images": (["sweep.evaluation.images=50"], "sweep.evaluation.images: found 50; must stay 100, on which its trials"),
    "k": (["sweep.evaluation.k=5"], "sweep.evaluation.k: found 5; must stay 100, with which its trials were measured"),
    "final_k": (
        ["sweep.evaluation.final_k=9"],
        "sweep.evaluation.final_k: found 9; must stay 5000, with which its fin",
    ),
    "trials": (
        ["sweep.trials=10"],
        "sweep.trials: found 10 for 2 arms; must be at least 12, as 6 of arm fc have begun",
    ),
    "share": (
        ["model.backbone.choose.draw={}"],
        "sweep.trials: found 12 for 3 arms; must be at least 18, as 6 of arm fc have begun",
    ),
    "no finals": (["sweep.finals=null"], "sweep.finals: found none; must stay, as 4 of them have begun"),
    "seeds": (["sweep.finals.seeds=1"], "sweep.finals.seeds: found 1; must be at least 2, as 2 finals of trial "),
    "grid": (["sweep.search=grid"], "sweep.search.name: found grid; must stay tpe or become any other, as 16 trials"),
    "epochs": (["training.epochs=60"], "training.epochs: found 60; must stay 9, lest it falsify 16 trials"),
    "another kind of number": (["training.epochs=9.0"], "training.epochs: found 9.0; must stay 9, lest it falsify 16"),
    "a range without the value": (
        ["training.epochs={int: [10, 60]}"],
        'training.epochs: found {"int": [10, 60]}; must still hold 9, lest it falsify 16 trials',
    ),
    "what was not there": (["model.dropout=0.1"], "model.dropout: found 0.1; must stay out, lest it falsify 16 trials"),
    "a parameter that was not there": (
        ["model.dropout={choice: [0, 0.1]}"],
        "model.dropout: found [0, 0.1]; must stay without such a parameter, lest it falsify 16 trials",
    ),
    "what is taken away": (["data={name: mnist}"], 'data.name: found "mnist"; must stay "digits", lest it falsify 16'),
    "options": (
        ["model.latent_dim={choice: [64]}"],
        "model.latent_dim: found [64]; must still hold 2, among others, lest it falsify 16 trials",
    ),
    "a narrow range": (
        ["training.optimizer.lr={float: [0.009, 0.01], log: true}"],
        'training.optimizer.lr: found {"float": [0.009, 0.01], "log": true}; must still hold ',
    ),
    "steps between values": (
        ["training.optimizer.lr={float: [0, 1], step: 0.5}"],
        'training.optimizer.lr: found {"float": [0.0, 1.0], "step": 0.5}; must still hold ',
    ),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that has ended, which no test changes."""
    spec = make_spec(trials=12)
    with patch("os.fsync"):
        folder = begin(tmp_path_factory.mktemp("finished"), spec)
        simulated(spec, folder)
    return folder


@pytest.mark.parametrize("case", MUST_STAY.values(), ids=MUST_STAY)
def test_what_would_falsify_trials_is_refused_and_named(finished: Path, case: tuple[list[str], str]) -> None:
    overrides, message = case
    wide = changed(make_spec(trials=12), *overrides)
    before = {path: path.read_bytes() for path in finished.glob("*") if path.is_file()}
    with pytest.raises(UsageError) as refused:
        widen(finished, wide, NOW)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert {path: path.read_bytes() for path in finished.glob("*") if path.is_file()} == before


def test_an_arm_with_trials_is_missed(finished: Path) -> None:
    wide = make_spec(trials=12, backbone={"choose": {"fc": {"hidden": 64, "layers": 1}}})
    with pytest.raises(UsageError, match=r'model.backbone: found \["fc"\]; must still hold conv, lest it falsify 8 '):
        widen(finished, wide, NOW)


def test_what_no_trial_has_tried_may_go(tmp_path: Path) -> None:
    spec = make_spec(trials=4, finals=None)
    before = simulated(spec, begin(tmp_path, spec))
    rates = [record.config["training"]["optimizer"]["lr"] for record in before]
    narrow = changed(spec, f"training.optimizer.lr={{float: [{min(rates)!r}, {max(rates)!r}], log: true}}")
    widen(tmp_path, changed(narrow, "sweep.trials=24"), NOW)
    after = simulated(changed(narrow, "sweep.trials=24"), tmp_path)
    assert after[:4] == before
    assert all(min(rates) <= record.config["training"]["optimizer"]["lr"] <= max(rates) for record in after)


def test_before_a_final_has_begun_finals_may_be_measured_otherwise(tmp_path: Path) -> None:
    spec = make_spec(trials=4)
    leave_in_the_middle(spec, begin(tmp_path, spec), trials=0)
    wide = changed(spec, "sweep.evaluation.final_k=9", "sweep.finals={top: 1, seeds: 1}", "sweep.search=random")
    assert {change.path for change in widen(tmp_path, wide, NOW)} >= {"sweep.evaluation.final_k", "sweep.finals.seeds"}
