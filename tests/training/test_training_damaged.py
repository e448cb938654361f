"""Protects that a trial survives the damage of its own files: it begins again, says so, and comes to the same."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from running import EPOCHS, assert_same, measured

from sweeper.training import gallery
from sweeper.training.checkpoints import Checkpoint, save_last
from sweeper.training.curves import Curve
from sweeper.training.job import EpochResult, Job
from sweeper.training.loop import Trainer
from sweeper.training.progress import Progress
from sweeper.training.trial import Trial

MakeJob = Callable[..., Job]
Damage = Callable[[Path, Path], object]
"""Damages a trial's folder; the second one is that of a trial with another seed."""


@pytest.fixture(autouse=True)
def no_pictures_and_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "draw", lambda *_: {})
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def make(make_job: MakeJob) -> MakeJob:
    """Makes finals whose first epoch is the best one, because the bound is taken for better where it is worse."""

    def made(name: str, **keywords: Any) -> Job:
        job = make_job(name, test=True, **keywords)
        return replace(job, evaluation=replace(job.evaluation, direction="maximize"))

    return made


def train(job: Job, epochs: int = EPOCHS) -> list[EpochResult]:
    trial = Trial(job)
    return [trial.advance() for _ in range(epochs)]


def flip(path: Path, position: int = -3) -> None:
    """Change one bit of a file, and of no other that has the same content by a hard link."""
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.unlink()
    path.write_bytes(content)


def without_line(path: Path, number: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: number - 1] + lines[number:]))


def exchange(path: Path, other: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    (shutil.copytree if other.is_dir() else shutil.copyfile)(other, path)


DAMAGES: dict[str, Damage] = {
    "weights": lambda folder, other: flip(folder / "last/model.safetensors"),
    "header": lambda folder, other: flip(folder / "last/state.safetensors", 20),
    "state cut": lambda folder, other: os.truncate(folder / "last/state.safetensors", 500),
    "numbers": lambda folder, other: flip(folder / "last/state.json", 12),
    "a part gone": lambda folder, other: (folder / "last/state.safetensors").unlink(),
    "all of last gone": lambda folder, other: shutil.rmtree(folder / "last"),
    "last of another trial": lambda folder, other: exchange(folder / "last", other / "last"),
    "a line gone": lambda folder, other: without_line(folder / "metrics.jsonl", 1),
    "a line altered": lambda folder, other: flip(folder / "metrics.jsonl", 60),
    "curve emptied": lambda folder, other: os.truncate(folder / "metrics.jsonl", 0),
    "curve gone": lambda folder, other: (folder / "metrics.jsonl").unlink(),
    "curve of another trial": lambda folder, other: exchange(folder / "metrics.jsonl", other / "metrics.jsonl"),
    "best": lambda folder, other: flip(folder / "best/model.safetensors"),
    "best gone": lambda folder, other: shutil.rmtree(folder / "best"),
    "best of another epoch": lambda folder, other: exchange(
        folder / "best/model.safetensors", folder / "last/model.safetensors"
    ),
    "best of another trial": lambda folder, other: exchange(folder / "best", other / "best"),
}


@pytest.mark.parametrize("epoch", [2, EPOCHS])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_trial_begins_again_says_so_once_and_comes_to_the_same(
    make: MakeJob, damage: Damage, epoch: int
) -> None:
    whole, damaged, other = make("whole"), make("damaged"), make("other", seed=6)
    expected = train(whole)
    train(damaged, epoch)
    train(other, epoch)
    damage(damaged.folder, other.folder)
    results = train(damaged)
    assert [result.epoch for result in results] == [1, 2, 3]
    assert [result.done for result in results] == [False, False, True]
    (note,) = results[0].notes
    assert note.startswith(f"{damaged.folder}/")
    assert note.endswith("; put aside as *.damaged, and training begins again from its first epoch")
    assert "\n" not in note
    assert [result.notes for result in results[1:]] == [(), ()]
    assert [measured(result.metrics) for result in results] == [measured(result.metrics) for result in expected]
    assert results[-1].test == expected[-1].test
    for aside in damaged.folder.glob("*.damaged"):
        shutil.rmtree(aside) if aside.is_dir() else aside.unlink()
    assert_same(damaged.folder, whole.folder)


def test_what_is_damaged_is_put_aside_and_of_two_the_newest_is_kept(make: MakeJob) -> None:
    job = make("trial")
    for epoch in (2, 3):
        train(job, epoch) if epoch == 2 else Trial(job).advance()
        flip(job.folder / "last/model.safetensors")
        found = {name: (job.folder / name).read_bytes() for name in ("metrics.jsonl", "last/model.safetensors")}
        Trial(job)
        assert (job.folder / "metrics.jsonl.damaged").read_bytes() == found["metrics.jsonl"]
        assert (job.folder / "last.damaged/model.safetensors").read_bytes() == found["last/model.safetensors"]
        assert sorted(path.name for path in job.folder.iterdir()) == [
            "best.damaged",
            "config.yaml",
            "last.damaged",
            "metrics.jsonl.damaged",
        ]


def test_the_checkpoint_before_a_damaged_one_is_gone_on_with_and_nothing_is_said(make: MakeJob) -> None:
    whole, damaged = make("whole"), make("damaged")
    train(whole)
    train(damaged, 1)
    shutil.copytree(damaged.folder / "last", damaged.folder / "kept")
    Trial(damaged).advance()
    trial = Trial(damaged)
    trial.advance()
    (damaged.folder / "kept").rename(damaged.folder / "last.previous")
    flip(damaged.folder / "last/state.safetensors")
    results = train(damaged)
    assert [(result.epoch, result.notes) for result in results] == [(1, ()), (2, ()), (3, ())]
    assert_same(damaged.folder, whole.folder)


@pytest.mark.parametrize("content", [b"", b"data: {name: mnist}\n", b"\xff\x00", b"{" * 1000])
def test_a_damaged_configuration_is_written_again(make: MakeJob, content: bytes) -> None:
    job = make("trial")
    train(job, 1)
    (job.folder / "config.yaml").write_bytes(content)
    assert Trial(job).advance().notes == ()
    assert yaml.safe_load((job.folder / "config.yaml").read_text()) == {**job.config, "seed": job.seed}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"backbone": {"hidden": 9}},
            r"last: a checkpoint of another model: encoder\.\S+ is \[9, 64\]; must be \[8, 64\]; put aside",
        ),
        ({"backbone": {"layers": 2}}, "last: a checkpoint of another model: .* is only in one of the two; put aside"),
    ],
)
def test_weights_that_fit_no_more_are_told_in_one_line(
    make: MakeJob, monkeypatch: pytest.MonkeyPatch, source: dict[str, Any], message: str
) -> None:
    """As where a model is changed in the code and keeps its configuration."""
    job, other = make("trial"), make("other", **source)
    with monkeypatch.context() as patch:
        patch.setattr(Job, "identity", "the same")
        train(other, 1)
        shutil.copytree(other.folder, job.folder)
        (note,) = Trial(job).advance().notes
    assert re.search(message, note)
    assert "\n" not in note


@pytest.mark.parametrize("state", [{}, {"noise": torch.zeros(3, dtype=torch.uint8)}])
def test_a_state_that_fits_no_more_is_told_in_one_line(make: MakeJob, state: dict[str, torch.Tensor]) -> None:
    job = make("trial")
    trial = Trial(job)
    trial.advance()
    weights, curve = trial._model.state_dict(), Curve(job.folder, 1).checksum
    save_last(job.folder, Checkpoint(job.identity, weights, state, Progress(1), curve))
    results = train(job)
    expected = train(make("whole"))
    assert [measured(result.metrics) for result in results] == [measured(result.metrics) for result in expected]
    (note,) = results[0].notes
    assert note.startswith(f"{job.folder / 'last'}: no state to go on from (")
    assert "\n" not in note


def test_memory_that_does_not_suffice_is_no_damage(make: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make("trial")
    train(job, 2)

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "restore", fail)
        with pytest.raises(torch.OutOfMemoryError):
            Trial(job)
    assert Trial(job).advance().epoch == 2
