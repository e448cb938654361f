"""Protects what MLflow has of a real sweep: every trial, every metric after every epoch, the pictures, the verdict."""

import json
from typing import Any

import pytest
from swept import OF_A_REAL_SWEEP, PICTURES, TRIALS, Swept

from sweeper.tracking import default_uri
from sweeper.tracking.store import connect

pytestmark = OF_A_REAL_SWEEP

WEIGHTS = "best/model.safetensors"


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

    def test_pictures_and_the_weights_that_were_kept_are_artifacts(
        self, sweep: Swept, client: Any, children: dict[int, Any]
    ) -> None:
        weights: dict[str, list[bool]] = {"search": [], "finals": []}
        for record in sweep.records:
            run_id = children[record.number].info.run_id
            names = {entry.path for folder in (None, "best") for entry in client.list_artifacts(run_id, folder)}
            ending = {"error.txt"} if record.state == "failed" else PICTURES
            kept = {"best", WEIGHTS} if (sweep.trial(record) / WEIGHTS).exists() else set()
            assert names - {"images"} == {"config.yaml"} | kept | ending
            weights[record.phase].append(WEIGHTS in names)
        assert all(weights["finals"]), "export takes them"
        assert any(weights["search"])
        assert not all(weights["search"])

    def test_every_picture_of_an_epoch_is_an_image_to_step_through(
        self, sweep: Swept, client: Any, children: dict[int, Any]
    ) -> None:
        for record in sweep.records:
            run = children[record.number]
            images = {entry.path.partition("/")[2] for entry in client.list_artifacts(run.info.run_id, "images")}
            pictures = list(sweep.trial(record).glob("pictures/*/*.png"))
            expected = {f"{path.parent.name}+step+{int(path.stem)}" for path in pictures}
            assert {name.partition("+timestamp+")[0] for name in images} == expected
            assert len(images) == 2 * len(pictures), "each has its small copy, and none is there twice"
            assert run.data.tags.get("mlflow.loggedImages") == ("True" if pictures else None)

    def test_the_verdict_is_an_artifact_of_the_parent(self, client: Any, runs: list[Any]) -> None:
        (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        names = {entry.path for entry in client.list_artifacts(parent.info.run_id)}
        assert names == {"sweep.yaml", "verdict.txt"}
