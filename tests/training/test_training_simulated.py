"""Protects that simulated trials keep the folder and the contract of real ones."""

import json
import math
from collections.abc import Callable

import pytest

from sweeper.training.job import Job
from sweeper.training.simulated import Simulation


def halving(config: object, seed: int, epoch: int) -> float:
    return seed / epoch


def test_epochs_are_computed_and_written(make_job: Callable[..., Job]) -> None:
    job = make_job(test=True)
    run = Simulation(halving, images_per_epoch=10, seconds_per_epoch=0.5)(job)
    results = [run.advance() for _ in range(3)]
    run.close()
    assert [(r.epoch, r.images, r.seconds, r.metrics["val/nll"], r.done) for r in results] == [
        (1, 10, 0.5, 5.0, False),
        (2, 20, 1.0, 2.5, False),
        (3, 30, 1.5, 5 / 3, True),
    ]
    assert [result.test for result in results] == [{}, {}, {"test/nll": 5 / 3}]
    lines = [json.loads(line) for line in (job.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert (job.folder / "config.yaml").exists()


def collapsing(config: object, seed: int, epoch: int) -> dict[str, float]:
    return {"val/reconstruction": 30.0, "val/kl": 0.01}


def test_what_is_measured_beside_the_metric_is_on_the_curve_and_test_and_has_its_signs(
    make_job: Callable[..., Job],
) -> None:
    run = Simulation(halving, collapsing)(make_job(test=True, epochs=5))
    results = [run.advance() for _ in range(5)]
    assert results[4].metrics == {"val/nll": 1.0, "val/reconstruction": 30.0, "val/kl": 0.01}
    assert results[4].test == {"test/nll": 1.0, "test/reconstruction": 30.0, "test/kl": 0.01}
    assert [set(result.signs) for result in results] == [set()] * 4 + [{"posterior_collapsed"}]


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_resumed_run_says_its_last_epoch_again_and_writes_no_epoch_twice(
    make_job: Callable[..., Job], killed_after: int
) -> None:
    job = make_job()
    first = Simulation(halving)(job)
    last = [first.advance() for _ in range(killed_after)][-1]
    resumed = Simulation(halving)(job)
    assert resumed.advance() == last
    rest = [resumed.advance().epoch for _ in range(3 - killed_after)]
    assert rest == list(range(killed_after + 1, 4))
    lines = [json.loads(line) for line in (job.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3]


def test_a_metric_may_be_nan(make_job: Callable[..., Job]) -> None:
    result = Simulation(lambda *_: math.nan)(make_job()).advance()
    assert math.isnan(result.metrics["val/nll"])
