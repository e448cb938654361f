"""Protects the whole line, from a YAML file to a verdict: what one real sweep on Ray prints, and leaves in its folder.

Ray takes seconds to start, so that everything is asked of the same few sweeps, in this file and in its neighbours.
"""

from collections import Counter
from pathlib import Path

import optuna
import pytest
import yaml
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from swept import EPOCHS, FINALS, OF_A_REAL_SWEEP, PICTURES, SEARCHED, TRAINING_IMAGES, TRIALS, Swept

from sweeper.search.keeping import keep
from sweeper.spec import read_spec
from sweeper.training.holding import LOCK
from sweeper.training.measuring_plan import MeasuringPlan

pytestmark = OF_A_REAL_SWEEP


class TestOutput:
    def test_it_ends_well_and_quietly(self, sweep: Swept) -> None:
        assert sweep.ended.code == 0
        assert sweep.ended.err == ""

    def test_it_ends_with_the_verdict(self, sweep: Swept) -> None:
        verdict = (sweep.folder / "verdict.txt").read_text()
        assert "\nAnswer: " in verdict
        assert sweep.ended.out.rstrip().endswith(verdict.rstrip())

    def test_it_says_where_the_sweep_is_and_prints_a_line_for_every_trial(self, sweep: Swept) -> None:
        lines = sweep.ended.out.splitlines()
        assert lines[0] == f"sweep sweeps/{sweep.folder.name}"
        assert [line.split()[0] for line in lines if f"/{TRIALS}  " in line] == [
            f"{number}/{TRIALS}" for number in range(1, TRIALS + 1)
        ]

    def test_what_ray_has_to_say_is_in_a_file(self, sweep: Swept) -> None:
        assert "Started a local Ray instance" in (sweep.folder / "ray.log").read_text()


class TestStudies:
    @pytest.fixture
    def studies(self, sweep: Swept) -> dict[str, optuna.Study]:
        """The studies as Optuna loads them without us."""
        storage = JournalStorage(JournalFileBackend(str(sweep.folder / "study.journal")))
        names = [study.study_name for study in storage.get_all_studies()]
        return {name: optuna.load_study(study_name=name, storage=storage) for name in names}

    def test_there_is_one_for_each_arm_and_phase(self, studies: dict[str, optuna.Study]) -> None:
        assert set(studies) == {"search/fc", "search/conv", "finals/fc", "finals/conv"}
        assert {study.direction.name for study in studies.values()} == {"MINIMIZE"}
        assert [len(studies[f"search/{arm}"].trials) for arm in ("fc", "conv")] == [SEARCHED // 2] * 2

    def test_all_states_occur_and_all_have_ended(self, studies: dict[str, optuna.Study]) -> None:
        states = {name: {trial.state.name for trial in study.trials} for name, study in studies.items()}
        assert states["search/fc"] | states["search/conv"] == {"COMPLETE", "PRUNED", "FAIL"}
        assert states["finals/fc"] == states["finals/conv"] == {"COMPLETE"}

    def test_every_step_is_reported_with_the_value_that_was_measured(
        self, sweep: Swept, studies: dict[str, optuna.Study]
    ) -> None:
        reported = {
            trial.user_attrs["number"]: trial.intermediate_values
            for study in studies.values()
            for trial in study.trials
        }
        assert reported == {
            record.number: {
                line["epoch"] * TRAINING_IMAGES: line["metrics"]["val/nll"]
                for line in sweep.lines(record)
                if "val/nll" in line["metrics"]
            }
            for record in sweep.records
        }

    def test_a_complete_trial_ran_in_full_and_has_its_best_value(self, studies: dict[str, optuna.Study]) -> None:
        complete = [trial for study in studies.values() for trial in study.trials if trial.state.name == "COMPLETE"]
        for trial in complete:
            assert len(trial.intermediate_values) == EPOCHS
            assert trial.value == min(trial.intermediate_values.values())

    def test_a_pruned_trial_has_its_last_value_and_says_why(self, studies: dict[str, optuna.Study]) -> None:
        pruned = [trial for study in studies.values() for trial in study.trials if trial.state.name == "PRUNED"]
        for trial in pruned:
            assert 1 <= len(trial.intermediate_values) < EPOCHS
            assert trial.value == trial.intermediate_values[max(trial.intermediate_values)]
            assert trial.user_attrs["reason"] == f"stopped by asha after epoch {len(trial.intermediate_values)}"

    def test_a_failed_trial_is_the_one_that_was_told_to_and_says_why_in_one_line(self, sweep: Swept) -> None:
        failed = [record for record in sweep.records if record.state == "failed"]
        assert failed
        for record in failed:
            assert record.config["objective"]["breaks"] is True
            assert record.reason == "RuntimeError: broken as its sweep file says"
            assert len(record.curve) == 1
            assert (sweep.trial(record) / "error.txt").read_text().startswith("Traceback")


class TestFinals:
    def test_the_best_of_each_arm_is_trained_again_with_fresh_seeds(self, sweep: Swept) -> None:
        finals = [record for record in sweep.records if record.phase == "finals"]
        assert Counter(record.arm for record in finals) == {"fc": FINALS // 2, "conv": FINALS // 2}
        assert len({record.seed for record in sweep.records}) == TRIALS
        for final in finals:
            searched = [record for record in sweep.records if record.phase == "search" and record.arm == final.arm]
            best = min((record for record in searched if record.state == "complete"), key=lambda record: record.value)
            assert (final.source, final.config) == (best.number, best.config)

    def test_the_test_set_is_measured_once_in_each_final_and_never_in_the_search(self, sweep: Swept) -> None:
        for record in sweep.records:
            times = sum("test/nll" in line["metrics"] for line in sweep.lines(record))
            assert times == (1 if record.phase == "finals" else 0)
            assert ("test/nll" in record.test) == (record.phase == "finals")
            assert all(name.startswith("test/") for name in record.test)

    def test_a_final_is_measured_in_every_way_there_is(self, sweep: Swept) -> None:
        for final in (record for record in sweep.records if record.phase == "finals"):
            assert set(final.test) > {"test/nll", "test/active_units", "test/fld", "test/fld_floor", "test/modes"}


class TestFolder:
    def test_the_sweep_file_is_as_resolved_and_planned(self, sweep: Swept, place: Path) -> None:
        plan = MeasuringPlan(read_spec(place / "small.yaml"), None)
        assert read_spec(sweep.folder / "sweep.yaml").digest == plan.spec.digest

    def test_there_is_a_folder_for_every_trial(self, sweep: Swept) -> None:
        folders = [folder.name for folder in sorted((sweep.folder / "trials").iterdir())]
        assert folders == [record.folder for record in sweep.records]
        assert [name.split("-")[:2] for name in folders] == [
            [f"{record.number:04d}", record.arm] for record in sweep.records
        ]

    def test_a_trials_folder_holds_what_it_should_and_nothing_else(self, sweep: Swept) -> None:
        kept = keep(sweep.records, read_spec(sweep.folder / "sweep.yaml").settings)
        for record in sweep.records:
            checkpoints = {f"{part}/model.safetensors" for part in kept[record.number]}
            folder = sweep.trial(record)
            files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
            of_epochs = {name for name in files if name.startswith("pictures/")}
            ending = {"error.txt"} if record.state == "failed" else PICTURES
            assert files - of_epochs == {"config.yaml", "metrics.jsonl", LOCK} | checkpoints | ending, folder.name
            kinds = {name.split("/")[1] + ".png" for name in of_epochs}
            assert kinds in (set(), PICTURES), "while it trains a trial draws all kinds where it has the time, or none"

    def test_a_trials_configuration_is_in_its_folder(self, sweep: Swept) -> None:
        for record in sweep.records:
            content = yaml.safe_load((sweep.trial(record) / "config.yaml").read_text())
            assert content == {**record.config, "seed": record.seed}
