"""Protects that a trial killed at any file operation comes to what one that was never interrupted comes to."""

import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from failing_disk import NEEDING_SPACE, full_at, killed_at, operations
from running import EPOCHS, assert_same, measured

from sweeper.training import gallery
from sweeper.training.job import EpochResult, Job
from sweeper.training.trial import Trial

MakeJob = Callable[..., Job]
WARM_UP = {"objective": {"name": "elbo", "warmup": 2.5}, "backbone": {"norm": "batch", "dropout": 0.3}}


@pytest.fixture(autouse=True)
def no_pictures_and_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "draw", lambda *_: {})
    monkeypatch.setattr(os, "fsync", lambda _: None)


def go_on(job: Job) -> list[EpochResult]:
    """Take the trial up, and train it to its end."""
    trial = Trial(job)
    results = [trial.advance()]
    while not results[-1].done:
        results.append(trial.advance())
    return results


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def assert_came_to_the_same(killed: Job, whole: Job, results: list[EpochResult], expected: EpochResult) -> None:
    assert_same(killed.folder, whole.folder)
    assert files(killed.folder) == files(whole.folder)
    assert (measured(results[-1].metrics), results[-1].test) == (measured(expected.metrics), expected.test)
    assert [note for result in results for note in result.notes] == []
    epochs = [result.epoch for result in results]
    assert epochs == list(range(epochs[0], EPOCHS + 1))


@pytest.mark.parametrize("part", range(4))
def test_a_kill_at_any_file_operation_changes_nothing(make_job: MakeJob, part: int) -> None:
    make = partial(make_job, test=True, best_epochs=2, **WARM_UP)
    whole, counted = make("whole"), make("counted")
    expected = go_on(whole)[-1]
    total = len(operations(lambda: go_on(counted)))
    assert total > 80
    for count in range(part, total, 4):
        killed = make(str(count))
        with killed_at(count):
            go_on(killed)
        assert_came_to_the_same(killed, whole, go_on(killed), expected)


@pytest.mark.parametrize("seed", range(6))
def test_many_kills_of_one_trial_change_nothing(make_job: MakeJob, seed: int) -> None:
    """Also of one that is being repaired."""
    whole, killed, moments = make_job("whole", test=True), make_job("killed", test=True), random.Random(seed)
    expected = go_on(whole)[-1]
    for _ in range(12):
        with killed_at(moments.randrange(45)):
            go_on(killed)
    assert_came_to_the_same(killed, whole, go_on(killed), expected)


def test_a_disk_that_is_full_at_any_operation_is_an_error_of_the_disk_and_costs_nothing(make_job: MakeJob) -> None:
    whole, counted = make_job("whole", test=True), make_job("counted", test=True)
    expected = go_on(whole)[-1]
    total = len(operations(lambda: go_on(counted), NEEDING_SPACE))
    for count in range(0, total, 3):
        job = make_job(str(count), test=True)
        with full_at(count), pytest.raises(OSError, match="No space left on device"):
            go_on(job)
        assert [name for name in files(job.folder) if name.endswith(".new")] == []
        assert_came_to_the_same(job, whole, go_on(job), expected)
