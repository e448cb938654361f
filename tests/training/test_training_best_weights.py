"""Protects the folder of the best weights: which epochs are in it, and that they are those and no others."""

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from failing_disk import killed_at, operations

from sweeper.errors import SweeperError
from sweeper.files import remove_left_behind
from sweeper.training.best_weights import BestWeights
from sweeper.training.checkpoints import Checkpoint, load_last, save_last
from sweeper.training.job import Evaluation, Precision
from sweeper.training.progress import Progress
from sweeper.training.tensor_files import TensorFile

TRIAL = "a trial"
VALUES = (5.0, 4.0, math.nan, 3.0, 4.0, 4.5, 2.0)
START = Progress()
METRIC = Evaluation("val/nll", "minimize", Precision(1, None))


@pytest.fixture(autouse=True)
def disk_that_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


def after(progress: Progress, value: float, kept: int) -> Progress:
    return progress.after(1.0, 1.0, {"val/nll": value}, replace(METRIC, best_epochs=kept))


def write(folder: Path, progress: Progress, kept: int) -> Progress:
    """Write an epoch down as a trial does; its weights are its number."""
    save_last(folder, Checkpoint(TRIAL, {"epoch": torch.tensor(progress.epoch)}, {}, progress, ""))
    BestWeights(folder, TRIAL, kept).keep(progress)
    return progress


def train(folder: Path, values: Sequence[float], kept: int, progress: Progress = START) -> Progress:
    for value in values:
        progress = write(folder, after(progress, value, kept), kept)
    return progress


def resume(folder: Path, kept: int) -> Progress:
    remove_left_behind(folder)
    found = load_last(folder, TRIAL)
    progress = found.progress if found else Progress()
    BestWeights(folder, TRIAL, kept).restore(progress)
    return progress


def epochs(folder: Path) -> dict[str, int]:
    """The epoch of the weights in each file."""
    files = (folder / "best").glob("*")
    return {path.name: int(TensorFile.read(path).tensors["epoch"]) for path in files}


def expected(values: Sequence[float], kept: int) -> dict[str, int]:
    progress = Progress()
    for value in values:
        progress = after(progress, value, kept)
    several = {f"epoch-{one.epoch}.safetensors": one.epoch for one in progress.best} if kept > 1 else {}
    return {"model.safetensors": progress.best_epoch, **several}


@pytest.mark.parametrize("kept", [1, 2, 3, 9])
def test_the_folder_holds_the_best_epochs_and_nothing_else(tmp_path: Path, kept: int) -> None:
    progress = Progress()
    for count, value in enumerate(VALUES, start=1):
        progress = train(tmp_path, [value], kept, progress)
        assert epochs(tmp_path) == expected(VALUES[:count], kept)
    assert BestWeights(tmp_path, TRIAL, kept).load(progress)["epoch"].item() == 7


def test_three_of_seven_epochs(tmp_path: Path) -> None:
    train(tmp_path, VALUES, 3)
    several = {"epoch-7.safetensors": 7, "epoch-4.safetensors": 4, "epoch-2.safetensors": 2}
    assert epochs(tmp_path) == {"model.safetensors": 7, **several}


@pytest.mark.parametrize("kept", [1, 2])
def test_a_kill_at_any_file_operation_is_repaired(tmp_path: Path, kept: int) -> None:
    (tmp_path / "counted").mkdir()
    before = train(tmp_path / "counted", VALUES[:6], kept)
    total = len(operations(lambda: train(tmp_path / "counted", VALUES[6:], kept, before)))
    assert total > 20
    for count in range(total):
        folder = tmp_path / str(count)
        folder.mkdir()
        train(folder, VALUES[:6], kept)
        with killed_at(count):
            train(folder, VALUES[6:], kept, before)
        progress = resume(folder, kept)
        assert epochs(folder) == expected(VALUES[: progress.epoch], kept)
        with killed_at(count % 7):
            resume(folder, kept)
        train(folder, VALUES[progress.epoch :], kept, resume(folder, kept))
        assert epochs(folder) == expected(VALUES, kept)


@pytest.mark.parametrize(("before", "now"), [(1, 3), (3, 1), (3, 2)])
def test_another_number_of_epochs_holds_from_then_on(tmp_path: Path, before: int, now: int) -> None:
    train(tmp_path, VALUES[:5], before)
    progress = resume(tmp_path, now)
    assert set(epochs(tmp_path).values()) <= {4, 2, 5}
    assert epochs(tmp_path)["model.safetensors"] == 4
    train(tmp_path, VALUES[5:], now, progress)
    found = epochs(tmp_path)
    assert found["model.safetensors"] == 7
    assert len(found) == (1 if now == 1 else now + 1)


@pytest.mark.parametrize("name", ["model.safetensors", "epoch-4.safetensors"])
def test_of_two_files_with_the_same_weights_one_may_be_lost(tmp_path: Path, name: str) -> None:
    train(tmp_path, VALUES[:5], 2)
    (tmp_path / "best" / name).unlink()
    (tmp_path / "best" / name).write_bytes(b"damaged")
    resume(tmp_path, 2)
    assert epochs(tmp_path) == expected(VALUES[:5], 2)


@pytest.mark.parametrize("kept", [1, 2])
@pytest.mark.parametrize("damage", ["missing", "cut", "of another epoch", "of another trial"])
def test_weights_that_are_nowhere_else_are_missed_in_one_line(tmp_path: Path, kept: int, damage: str) -> None:
    train(tmp_path, VALUES[:5], kept)
    path = tmp_path / "best" / ("model.safetensors" if kept == 1 else "epoch-2.safetensors")
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "of another epoch":
        path.hardlink_to(tmp_path / "last/model.safetensors")
    elif damage == "of another trial":
        found = TensorFile(*_parts(content, tmp_path))
        path.write_bytes(TensorFile(found.tensors, {**found.about, "trial": "another trial"}).to_bytes())
    with pytest.raises(SweeperError) as raised:
        resume(tmp_path, kept)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)


def _parts(content: bytes, folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    (folder / "copy").write_bytes(content)
    found = TensorFile.read(folder / "copy")
    return dict(found.tensors), dict(found.about)


def test_where_the_last_epoch_is_the_best_a_lost_folder_is_made_again(tmp_path: Path) -> None:
    progress = train(tmp_path, VALUES, 1)
    (tmp_path / "best/model.safetensors").unlink()
    (tmp_path / "best/model.safetensors").write_bytes(b"damaged")
    with pytest.raises(SweeperError, match=r"best/model\.safetensors: is damaged \("):
        BestWeights(tmp_path, TRIAL, 1).load(progress)
    resume(tmp_path, 1)
    assert epochs(tmp_path) == {"model.safetensors": 7}


def test_there_is_no_folder_where_no_epoch_was_finite(tmp_path: Path) -> None:
    train(tmp_path, [math.nan, math.inf], 1)
    assert not (tmp_path / "best").exists()
    (tmp_path / "best").mkdir()
    (tmp_path / "best/model.safetensors").write_bytes(b"of a run before")
    resume(tmp_path, 1)
    assert not (tmp_path / "best").exists()


@pytest.mark.parametrize("kept", [1, 2])
def test_without_hard_links_they_are_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    train(tmp_path, VALUES, kept)
    assert epochs(tmp_path) == expected(VALUES, kept)
