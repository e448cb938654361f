"""Protects a sweep on a cluster from its machines: one is lost without warning, one is taken away after a notice.

The home is on S3, the study in PostgreSQL, MLflow behind its server. What comes of the sweep is what comes of it where
nothing befalls it.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ground import Driver, Ground, Results, driving, watching
from support.metadata_service import metadata_service

from sweeper.search.postgres import PostgresReplica
from sweeper.spec import read_spec
from sweeper.tracking.store import connect
from sweeper.training.job import Job, final_evaluation, search_evaluation
from sweeper.training.trial import Trial

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.xdist_group("ray"),
    # MLflow imports an alembic that still asks SQLAlchemy for it.
    pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning"),
]

EPOCHS, SEARCHED, FINALS = 10, 4, 2
SWEEP = f"""\
name: lost
data: {{name: digits}}
model:
  name: vae
  latent_dim: {{choice: [2, 4]}}
  backbone:
    choose:
      fc: {{hidden: 64, layers: 2}}
      conv: {{channels: 4, layers: 1}}
objective: {{name: elbo}}
training:
  epochs: {EPOCHS}
  batch_size: 4
  optimizer: {{name: adam, lr: {{float: [1e-3, 1e-2], log: true}}}}
sweep:
  arms: model.backbone
  trials: {SEARCHED}
  search: {{name: random}}
  stopping: none
  finals: {{top: 1, seeds: 1}}
  evaluation: {{every: 1, images: 100, k: 5, final_k: 20}}
"""


@pytest.fixture(scope="module")
def ended(ground: Ground) -> Iterator[Driver]:
    """A sweep of two nodes: one is killed in the middle of an epoch, a third joins, the other is given notice."""
    cluster = ground.cluster
    cluster.add("killed")
    cluster.add("noticed")

    def both_are_at_work() -> bool:
        epochs = driver.epochs().values()
        return len(epochs) == 2 and min(epochs) >= 2 and max(epochs) < EPOCHS - 2

    with (
        driving(ground, SWEEP, "--tracking-uri", ground.tracking.uri) as driver,
        metadata_service() as service,
        watching(ground, service, "noticed") as watcher,
    ):
        begun = driver.wait_until(both_are_at_work)
        cluster.kill("killed")
        told = driver.wait_until(lambda: len(driver.warnings) == 1)
        print(f"{told - begun:.1f} s from the loss of a node until it is told")
        cluster.add("third")
        driver.wait_until(lambda: "third" in cluster.busy())
        begun = driver.wait_until(both_are_at_work)
        service.give_notice(datetime.now(UTC) + timedelta(minutes=2))
        told = driver.wait_until(lambda: len(driver.warnings) == 2)
        gone = driver.wait_until(lambda: "noticed" not in cluster.alive())
        print(f"{told - begun:.1f} s from a notice until its trial has left, {gone - begun:.1f} s until Ray has")
        assert driver.end() == 0, "".join(driver.lines)
        assert watcher.wait(10) == 0
        yield driver


@pytest.fixture(scope="module")
def results(ended: Driver, ground: Ground, as_the_driver: None) -> Results:
    return Results(ground, "lost")


def disturbed(driver: Driver) -> set[int]:
    """Return which trials have lost their node."""
    return {int(line.split()[2]) for line in driver.warnings}


def test_nothing_counts_as_a_failure_and_each_node_is_told(ended: Driver) -> None:
    killed, noticed = (line.partition("): ")[2] for line in ended.warnings)
    goes_on = "; goes on from its last checkpoint\n"
    assert killed in (f"its node has died{goes_on}", f"its node does not answer{goes_on}")
    assert noticed == f"its node is about to be taken away{goes_on}"


def test_every_trial_is_done_and_those_that_lost_a_node_came_to_what_they_come_to_undisturbed(
    ended: Driver, results: Results, tmp_path: Path
) -> None:
    assert [record.state for record in results.records] == ["complete"] * (SEARCHED + FINALS)
    settings = read_spec(results.folder / "sweep.yaml", []).settings
    for record in results.records:
        if record.number in disturbed(ended):
            measure = search_evaluation if record.phase == "search" else final_evaluation
            folder = tmp_path / record.folder
            trial = Trial(Job(record.number, record.config, record.seed, folder, measure(settings)))
            curve = [trial.advance() for _ in range(EPOCHS)]
            assert record.curve == tuple((one.images, one.metrics["val/nll"]) for one in curve)
            assert record.test == curve[-1].test


def test_the_database_and_the_store_have_the_same_study(results: Results, ground: Ground) -> None:
    with closing(PostgresReplica(ground.study, results.sweep)) as replica:
        assert replica.load() == (results.folder / "study.journal").read_bytes()


def test_every_epoch_is_in_the_curves_and_in_mlflow_once(results: Results, ground: Ground) -> None:
    client = connect(ground.tracking.uri)
    runs = client.search_runs([client.get_experiment_by_name("lost").experiment_id])
    trials = {run.data.tags["sweeper.trial"]: run for run in runs if "sweeper.trial" in run.data.tags}
    assert len(runs) == 1 + len(trials) == 1 + SEARCHED + FINALS
    for record in results.records:
        curve = [(line["epoch"], line["metrics"]["val/nll"]) for line in of_epochs(results.lines(record))]
        assert [epoch for epoch, _ in curve] == list(range(1, EPOCHS + 1))
        history = client.get_metric_history(trials[str(record.number)].info.run_id, "val/nll")
        assert sorted((point.step, point.value) for point in history) == curve


def of_epochs(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of epochs; the test of a final is another one."""
    return [line for line in lines if "val/nll" in line["metrics"]]
