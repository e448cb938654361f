"""Protects the whole line, from a YAML file to a verdict: one real sweep on Ray, run, repeated, interrupted, resumed.

Ray takes seconds to start, so that everything is asked of the same few sweeps.
"""

import json
import shlex
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from calling import SWEEP, Ended, call_console_script, interrupt_console_script
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from sweeper.search import TrialRecord, read_records
from sweeper.spec import read_spec
from sweeper.tracking import default_uri
from sweeper.tracking.store import connect

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.xdist_group("ray"),
    # MLflow imports an alembic that still asks SQLAlchemy for it.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]

SEARCHED, FINALS = 8, 4
TRIALS = SEARCHED + FINALS
TRAINING_IMAGES = 1297
EPOCHS = 3
TIMED = {"images_per_second", "evaluation_share"}
PICTURES = {"samples.png", "reconstructions.png"}


@dataclass(frozen=True)
class Swept:
    """A sweep that has ended."""

    ended: Ended
    folder: Path

    @property
    def records(self) -> list[TrialRecord]:
        return read_records(self.folder)

    def trial(self, record: TrialRecord) -> Path:
        return self.folder / "trials" / record.folder

    def lines(self, record: TrialRecord) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.trial(record) / "metrics.jsonl").read_text().splitlines()]


def the_only_sweep(home: Path) -> Path:
    (journal,) = home.glob("*/study.journal")
    return journal.parent


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder to call `sweeper` in."""
    place = tmp_path_factory.mktemp("place")
    (place / "small.yaml").write_text(SWEEP)
    return place


@pytest.fixture(scope="module")
def sweep(place: Path) -> Swept:
    """The sweep of the file, tracked in the home's own store."""
    ended = call_console_script("run", "small.yaml", cwd=place, timeout=180)
    return Swept(ended, the_only_sweep(place / "sweeps"))


@pytest.fixture(scope="module")
def repetition(place: Path) -> Swept:
    """The same sweep once more, tracked nowhere."""
    ended = call_console_script(
        "run", "small.yaml", "--home", "again", "--tracking-uri", "none", cwd=place, timeout=180
    )
    return Swept(ended, the_only_sweep(place / "again"))


@pytest.fixture(scope="module")
def interruption(place: Path) -> Swept:
    """The same sweep, interrupted after its third trial."""
    ended = interrupt_console_script("run", "small.yaml", "--home", "broken", cwd=place, at=f"3/{TRIALS} ")
    return Swept(ended, the_only_sweep(place / "broken"))


@pytest.fixture(scope="module")
def ended_before(interruption: Swept) -> int:
    """How many trials had ended when the sweep was interrupted."""
    return sum(record.finished for record in interruption.records)


@pytest.fixture(scope="module")
def resumption(place: Path, interruption: Swept, ended_before: int) -> Swept:
    """The interrupted sweep, gone on with by the command that it printed."""
    (line,) = [line for line in interruption.ended.out.splitlines() if "go on with: " in line]
    command, *words = shlex.split(line.partition("go on with: ")[2])
    assert command == "sweeper"
    return Swept(call_console_script(*words, cwd=place, timeout=180), interruption.folder)


def strict_json(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def run_facts(sweep: Swept) -> list[TrialRecord]:
    """Return the trials without the times at which they ran."""
    return [replace(record, started=None, ended=None) for record in sweep.records]


def measured(sweep: Swept) -> dict[int, list[dict[str, Any]]]:
    """Return every metric at every step of every trial, without those that measure time."""
    return {
        record.number: [
            {name: value for name, value in line["metrics"].items() if name not in TIMED}
            | {"epoch": line["epoch"], "images": line["images"]}
            for line in sweep.lines(record)
        ]
        for record in sweep.records
    }


@pytest.fixture(scope="module")
def client(sweep: Swept) -> Any:
    """MLflow's own client on the store of the home."""
    return connect(default_uri(sweep.folder.parent))


@pytest.fixture(scope="module")
def runs(client: Any) -> list[Any]:
    """Everything in the store, in any experiment."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments))


@pytest.fixture(scope="module")
def children(runs: list[Any]) -> dict[int, Any]:
    """The runs of trials by number."""
    found = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    return {int(run.data.tags["sweeper.trial"]): run for run in found}


@pytest.fixture(scope="module")
def shown(sweep: Swept, place: Path) -> Callable[..., Any]:
    """Return a function that calls a command with `--json` and returns what it printed."""

    def call(*words: str) -> Any:
        ended = call_console_script(*words, "--json", cwd=place)
        assert (ended.code, ended.err) == (0, "")
        return strict_json(ended.out)

    return call


@pytest.fixture(scope="module")
def exported(sweep: Swept, place: Path) -> Ended:
    """The best configuration of the sweep, in `best.yaml`."""
    return call_console_script("export", "latest", cwd=place)


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
            assert set(record.test) == ({"test/nll"} if record.phase == "finals" else set())


class TestFolder:
    def test_the_sweep_file_is_as_resolved(self, sweep: Swept, place: Path) -> None:
        assert read_spec(sweep.folder / "sweep.yaml").digest == read_spec(place / "small.yaml").digest

    def test_there_is_a_folder_for_every_trial(self, sweep: Swept) -> None:
        folders = [folder.name for folder in sorted((sweep.folder / "trials").iterdir())]
        assert folders == [record.folder for record in sweep.records]
        assert [name.split("-")[:2] for name in folders] == [
            [f"{record.number:04d}", record.arm] for record in sweep.records
        ]

    def test_a_trials_folder_holds_what_it_should_and_nothing_else(self, sweep: Swept) -> None:
        checkpoints = {"best/model.safetensors", "last/model.safetensors", "last/state.safetensors", "last/state.json"}
        for record in sweep.records:
            folder = sweep.trial(record)
            found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
            ending = {"error.txt"} if record.state == "failed" else PICTURES
            assert found == {"config.yaml", "metrics.jsonl"} | checkpoints | ending, folder.name

    def test_a_trials_configuration_is_in_its_folder(self, sweep: Swept) -> None:
        for record in sweep.records:
            content = yaml.safe_load((sweep.trial(record) / "config.yaml").read_text())
            assert content == {**record.config, "seed": record.seed}


class TestTracking:
    def test_there_is_one_parent_with_a_child_for_every_trial_and_nothing_else(
        self, sweep: Swept, runs: list[Any], children: dict[int, Any]
    ) -> None:
        (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        assert (parent.info.run_name, parent.info.status) == (sweep.folder.name, "FINISHED")
        assert len(runs) == 1 + TRIALS
        assert sorted(children) == list(range(TRIALS))
        assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {parent.info.run_id}

    def test_statuses_are_those_of_the_trials(self, sweep: Swept, children: dict[int, Any]) -> None:
        status = {"complete": "FINISHED", "pruned": "KILLED", "failed": "FAILED"}
        assert {number: run.info.status for number, run in children.items()} == {
            record.number: status[record.state] for record in sweep.records
        }

    def test_every_metric_is_there_after_every_epoch(self, sweep: Swept, client: Any, children: dict[int, Any]) -> None:
        for record in sweep.records:
            run = children[record.number]
            expected: dict[str, list[tuple[int, float]]] = {}
            for line in sweep.lines(record):
                for name, value in line["metrics"].items():
                    expected.setdefault(name, []).append((line["epoch"], value))
            found = {name: client.get_metric_history(run.info.run_id, name) for name in expected}
            assert {
                name: sorted((point.step, point.value) for point in points) for name, points in found.items()
            } == expected
            assert set(run.data.metrics) == {*expected, "images", "seconds"}

    def test_parameters_are_flattened(self, sweep: Swept, children: dict[int, Any]) -> None:
        for record in sweep.records:
            params = children[record.number].data.params
            assert params["training.optimizer.lr"] == str(record.config["training"]["optimizer"]["lr"])
            assert params["model.backbone.name"] == record.arm
            assert params["objective.breaks"] == json.dumps(record.config["objective"]["breaks"])

    def test_tags_say_what_a_run_is(self, sweep: Swept, children: dict[int, Any]) -> None:
        for record in sweep.records:
            tags = children[record.number].data.tags
            expected = {
                "sweeper.sweep": sweep.folder.name,
                "sweeper.arm": record.arm,
                "sweeper.phase": record.phase,
                "sweeper.seed": str(record.seed),
                "sweeper.state": record.state,
                "sweeper.data": "digits",
                "sweeper.config_hash": record.folder[-8:],
            }
            assert tags.items() >= expected.items()

    def test_pictures_and_the_best_checkpoint_are_artifacts(
        self, sweep: Swept, client: Any, children: dict[int, Any]
    ) -> None:
        for record in sweep.records:
            run_id = children[record.number].info.run_id
            names = {entry.path for folder in (None, "best") for entry in client.list_artifacts(run_id, folder)}
            ending = {"error.txt"} if record.state == "failed" else PICTURES
            assert names == {"config.yaml", "best", "best/model.safetensors"} | ending

    def test_the_verdict_is_an_artifact_of_the_parent(self, client: Any, runs: list[Any]) -> None:
        (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        names = {entry.path for entry in client.list_artifacts(parent.info.run_id)}
        assert names == {"sweep.yaml", "verdict.txt"}


class TestShowing:
    def test_list(self, sweep: Swept, shown: Callable[..., Any]) -> None:
        (entry,) = shown("list")
        assert (entry["sweep"], entry["error"], entry["arms"]) == (sweep.folder.name, None, ["fc", "conv"])
        states = Counter(record.state for record in sweep.records)
        assert {state: count for state, count in entry["states"].items() if count} == states
        searched = [record for record in sweep.records if record.phase == "search" and record.state == "complete"]
        assert entry["ahead"]["value"] in [record.value for record in searched]

    def test_show(self, sweep: Swept, shown: Callable[..., Any]) -> None:
        described = shown("show", "latest")
        for trial, record in zip(described["trials"], sweep.records, strict=True):
            assert (trial["trial"], trial["arm"], trial["phase"]) == (record.number, record.arm, record.phase)
            assert (trial["state"], trial["value"], trial["seed"]) == (record.state, record.value, record.seed)
            assert trial["parameters"] == record.parameters
            assert [tuple(point) for point in trial["curve"]] == list(record.curve)


class TestExport:
    def test_it_writes_a_configuration_with_its_weights(self, sweep: Swept, place: Path, exported: Ended) -> None:
        assert (exported.code, exported.err) == (0, "")
        content = yaml.safe_load((place / "best.yaml").read_text())
        record = sweep.records[content["provenance"]["trial"]]
        assert record.phase == "finals"
        assert {section: content[section] for section in record.config} == record.config
        weights = (sweep.trial(record) / "best" / "model.safetensors").read_bytes()
        assert (place / "best.safetensors").read_bytes() == weights

    def test_training_it_again_reaches_the_same_value_and_weights_to_the_bit(
        self, place: Path, exported: Ended
    ) -> None:
        replayed = call_console_script("train", "best.yaml", "--replay", cwd=place)
        assert replayed.code == 0, replayed.err
        value = yaml.safe_load((place / "best.yaml").read_text())["provenance"]["value"]
        assert f"replay reached the recorded val/nll {value!r}" in replayed.out
        weights = (place / "best" / "best" / "model.safetensors").read_bytes()
        assert weights == (place / "best.safetensors").read_bytes()

    def test_a_value_that_is_not_reached_again_is_a_failure(self, place: Path, exported: Ended) -> None:
        content = yaml.safe_load((place / "best.yaml").read_text())
        content["provenance"]["value"] += 1e-9
        (place / "other.yaml").write_text(yaml.safe_dump(content))
        replayed = call_console_script("train", "other.yaml", "--replay", cwd=place)
        assert replayed.code == 1
        assert replayed.err.startswith("error: replay reached ")
        assert len(replayed.err.splitlines()) == 1


class TestRepetition:
    def test_it_has_the_same_trials(self, sweep: Swept, repetition: Swept) -> None:
        assert repetition.ended.code == 0
        assert run_facts(repetition) == run_facts(sweep)

    def test_every_metric_is_the_same_to_the_bit(self, sweep: Swept, repetition: Swept) -> None:
        assert measured(repetition) == measured(sweep)

    def test_it_reaches_the_same_verdict(self, sweep: Swept, repetition: Swept) -> None:
        verdicts = [(swept.folder / "verdict.txt").read_text() for swept in (sweep, repetition)]
        assert verdicts[0] == verdicts[1]

    def test_nothing_is_tracked_where_nothing_should_be(self, repetition: Swept) -> None:
        assert [path.name for path in repetition.folder.parent.iterdir()] == [repetition.folder.name]


class TestInterruption:
    def test_it_says_so_and_how_to_go_on(self, interruption: Swept, ended_before: int) -> None:
        assert interruption.ended.code == 130
        assert interruption.ended.err == ""
        assert f"interrupted; go on with: sweeper resume {interruption.folder.name}" in interruption.ended.out
        assert 3 <= ended_before < TRIALS

    def test_the_resumed_sweep_ends_with_a_verdict(self, resumption: Swept) -> None:
        assert (resumption.ended.code, resumption.ended.err) == (0, "")
        assert "Answer: " in resumption.ended.out

    def test_it_runs_only_what_was_left(self, resumption: Swept, ended_before: int) -> None:
        printed = [line for line in resumption.ended.out.splitlines() if f"/{TRIALS}  " in line]
        assert len(printed) == TRIALS - ended_before

    def test_nothing_tells_it_from_a_sweep_that_was_never_interrupted(self, sweep: Swept, resumption: Swept) -> None:
        assert run_facts(resumption) == run_facts(sweep)
        assert measured(resumption) == measured(sweep)

    def test_mlflow_has_every_run_once(self, resumption: Swept) -> None:
        client = connect(default_uri(resumption.folder.parent))
        runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
        statuses = Counter(run.info.status for run in runs)
        states = Counter(record.state for record in resumption.records)
        assert statuses == {
            "FINISHED": states["complete"] + 1,
            "KILLED": states["pruned"],
            "FAILED": states["failed"],
        }
