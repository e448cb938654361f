"""Protects that a kill at any moment leaves a whole checkpoint, and that a damaged one is told in one line."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sweeper.errors import SweeperError
from sweeper.training import checkpoints
from sweeper.training.checkpoints import Checkpoint, keep_as_best, load_best, load_last, load_weights, save_last
from sweeper.training.progress import Progress

OPERATIONS = (
    (Path, "rename"),
    (Path, "replace"),
    (Path, "mkdir"),
    (Path, "write_text"),
    (os, "link"),
    (os, "fsync"),
    (shutil, "rmtree"),
    (checkpoints, "save_file"),
)
"""Everything that `save_last` and `keep_as_best` do to the disk."""


class Killed(BaseException):
    """Stands for the end of the process."""


def checkpoint(epoch: int) -> Checkpoint:
    weights = {"layer.weight": torch.full((3, 2), float(epoch)), "layer.count": torch.tensor(epoch)}
    return Checkpoint(weights, {"noise": torch.full((4,), epoch, dtype=torch.uint8)}, Progress(epoch=epoch))


def epoch_of(found: Checkpoint | None) -> int:
    """The epoch of a checkpoint whose parts all belong together; 0 for none."""
    if found is None:
        return 0
    parts = (*found.weights.values(), *found.state.values())
    assert {float(value) for part in parts for value in part.flatten()} == {float(found.progress.epoch)}, "mixed"
    return found.progress.epoch


def kill_after(count: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let so many file operations through and raise at the next; return the names of those begun."""
    begun: list[str] = []

    def guarded(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **keywords: Any) -> Any:
            if len(begun) == count:
                raise Killed
            begun.append(name)
            return original(*arguments, **keywords)

        return operation

    for owner, name in OPERATIONS:
        monkeypatch.setattr(owner, name, guarded(name, getattr(owner, name)))
    return begun


def save(folder: Path, epoch: int) -> None:
    save_last(folder, checkpoint(epoch))
    keep_as_best(folder)


def operations_of_a_save(folder: Path) -> int:
    save(folder, 1)
    with pytest.MonkeyPatch.context() as patch:
        begun = kill_after(1000, patch)
        save(folder, 2)
    return len(begun)


def test_a_kill_between_any_two_file_operations_leaves_the_old_or_the_new_checkpoint(tmp_path: Path) -> None:
    total = operations_of_a_save(tmp_path / "counted")
    assert total > 10
    found = []
    for count in range(total):
        folder = tmp_path / str(count)
        save(folder, 1)
        with pytest.MonkeyPatch.context() as patch:
            kill_after(count, patch)
            with pytest.raises(Killed):
                save(folder, 2)
        found.append(epoch_of(load_last(folder)))
        assert load_best(folder)["layer.count"].item() in (1, 2)
        save(folder, 3)
        assert epoch_of(load_last(folder)) == 3, f"saving after a kill at operation {count} does not recover"
        assert load_best(folder)["layer.count"].item() == 3
        assert sorted(path.name for path in folder.iterdir()) == ["best", "last"], "a kill leaves files for ever"
    assert found == sorted(found), "the old checkpoint came back after the new one"
    assert set(found) == {1, 2}


def test_a_kill_during_the_first_save_leaves_nothing_or_a_whole_checkpoint(tmp_path: Path) -> None:
    for count in range(operations_of_a_save(tmp_path / "counted")):
        folder = tmp_path / str(count)
        with pytest.MonkeyPatch.context() as patch:
            kill_after(count, patch)
            try:
                save_last(folder, checkpoint(1))
            except Killed:
                assert epoch_of(load_last(folder)) in (0, 1)
            else:
                break
        save_last(folder, checkpoint(2))
        assert epoch_of(load_last(folder)) == 2


def test_the_folders_hold_last_and_best_and_nothing_else(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        save_last(tmp_path, checkpoint(epoch))
        if epoch == 2:
            keep_as_best(tmp_path)
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["best/model.safetensors", "last/model.safetensors", "last/state.json", "last/state.safetensors"]
    assert epoch_of(load_last(tmp_path)) == 3
    assert load_best(tmp_path)["layer.count"].item() == 2


def test_keeping_the_best_twice_leaves_no_second_link(tmp_path: Path) -> None:
    save_last(tmp_path, checkpoint(1))
    keep_as_best(tmp_path)
    keep_as_best(tmp_path)
    assert [path.name for path in (tmp_path / "best").iterdir()] == ["model.safetensors"]


def test_without_hard_links_the_best_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    save(tmp_path, 4)
    assert load_best(tmp_path)["layer.count"].item() == 4


@pytest.mark.parametrize("name", ["model.safetensors", "state.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "other", "missing"])
def test_a_damaged_file_is_named_in_one_line_and_the_checkpoint_before_it_is_taken(
    tmp_path: Path, name: str, damage: str
) -> None:
    save_last(tmp_path, checkpoint(2))
    path = tmp_path / "last" / name
    content = path.read_bytes()
    path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "other": b"[1, 2, 3]"}.get(damage, b""))
    if damage == "missing":
        path.unlink()
    with pytest.raises(SweeperError) as raised:
        load_last(tmp_path)
    assert str(raised.value).startswith(f"{path}: cannot be read as part of a checkpoint (")
    assert "\n" not in str(raised.value)

    save_last(tmp_path / "other", checkpoint(1))
    (tmp_path / "other" / "last").rename(tmp_path / "last.previous")
    assert epoch_of(load_last(tmp_path)) == 1
    keep_as_best(tmp_path)
    assert load_best(tmp_path)["layer.count"].item() == 1


def test_there_is_no_checkpoint_in_an_empty_folder(tmp_path: Path) -> None:
    assert load_last(tmp_path) is None
    assert load_last(tmp_path / "absent") is None


def test_a_missing_best_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SweeperError, match=r"best/model\.safetensors: cannot be read .*No such file or directory\)$"):
        load_best(tmp_path)


def test_weights_of_another_model_are_refused_by_name_and_shape(tmp_path: Path) -> None:
    model = nn.Linear(2, 3)
    good = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    for wrong, message in (
        ({**good, "weight": torch.zeros(3, 4)}, r"weight is \[3, 4\]; must be \[3, 2\]$"),
        ({"weight": good["weight"]}, "bias is only in one of the two$"),
        ({**good, "extra": torch.zeros(1)}, "extra is only in one of the two$"),
    ):
        with pytest.raises(SweeperError, match=message):
            load_weights(model, wrong, tmp_path)
    assert model.weight.abs().sum() > 0, "a part of the refused weights was taken"
    load_weights(model, good, tmp_path)
    assert model.weight.abs().sum() == 0


def test_tied_and_strided_weights_can_be_saved(tmp_path: Path) -> None:
    weight = torch.arange(6.0).view(2, 3)
    save_last(tmp_path, Checkpoint({"a": weight, "b": weight, "c": weight.t()}, {}, Progress()))
    found = load_last(tmp_path)
    assert found is not None
    assert found.weights["b"].equal(weight)
    assert found.weights["c"].equal(weight.t())
