"""Protects that a kill or a full disk leaves a whole checkpoint at any moment, and that no damaged one is taken."""

import errno
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from failing_disk import NEEDING_SPACE, full_at, killed_at, operations
from torch import Tensor, nn

from sweeper import strict_json
from sweeper.errors import SweeperError
from sweeper.files import remove_left_behind
from sweeper.training.best_weights import BestWeights
from sweeper.training.checkpoints import Checkpoint, load_last, load_weights, save_last
from sweeper.training.job import Measured
from sweeper.training.progress import Progress

TRIAL = "a trial"


@pytest.fixture(autouse=True)
def disk_that_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


def progress(epoch: int) -> Progress:
    return Progress(epoch, best=(Measured(epoch, 1.0),))


def checkpoint(epoch: int, trial: str = TRIAL) -> Checkpoint:
    weights = {"layer.weight": torch.full((3, 2), float(epoch)), "layer.count": torch.tensor(epoch)}
    state = {"noise": torch.full((4,), epoch, dtype=torch.uint8), "empty": torch.empty(0, dtype=torch.int64)}
    return Checkpoint(trial, weights, state, progress(epoch), f"{epoch:08x}")


def epoch_of(found: Checkpoint | None) -> int:
    """The epoch of a checkpoint whose parts all belong together; 0 for none."""
    if found is None:
        return 0
    parts = (*found.weights.values(), *found.state.values())
    assert {float(value) for part in parts for value in part.flatten()} == {float(found.progress.epoch)}, "mixed"
    assert found.curve == f"{found.progress.epoch:08x}"
    return found.progress.epoch


def last(folder: Path) -> int:
    return epoch_of(load_last(folder, TRIAL))


def best(folder: Path) -> BestWeights:
    return BestWeights(folder, TRIAL, 1)


def save(folder: Path, epoch: int) -> None:
    folder.mkdir(exist_ok=True)
    save_last(folder, checkpoint(epoch))
    best(folder).keep(progress(epoch))


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


WHOLE = ["best/model.safetensors", "last/model.safetensors", "last/state.json", "last/state.safetensors"]


def resume(folder: Path) -> int:
    """Do what a trial does that goes on; return the epoch that it goes on after."""
    remove_left_behind(folder)
    found = load_last(folder, TRIAL)
    best(folder).restore(found.progress if found else Progress())
    return epoch_of(found)


def test_a_kill_at_any_file_operation_leaves_the_old_or_the_new_checkpoint(tmp_path: Path) -> None:
    save(tmp_path / "counted", 1)
    total = len(operations(lambda: save(tmp_path / "counted", 2)))
    assert total > 20
    found = []
    for count in range(total):
        folder = tmp_path / str(count)
        save(folder, 1)
        with killed_at(count):
            save(folder, 2)
        found.append(resume(folder))
        assert names(folder) == WHOLE, "a kill leaves files for ever"
        assert best(folder).load(progress(found[-1]))["layer.count"].item() == found[-1]
        save(folder, 3)
        assert last(folder) == 3, f"saving after a kill at operation {count} does not recover"
        assert names(folder) == WHOLE
    assert found == sorted(found), "the old checkpoint came back after the new one"
    assert set(found) == {1, 2}


def test_a_kill_during_the_first_save_leaves_nothing_or_a_whole_checkpoint(tmp_path: Path) -> None:
    found = []
    for count in range(len(operations(lambda: save(tmp_path / "counted", 1)))):
        folder = tmp_path / str(count)
        folder.mkdir()
        with killed_at(count):
            save(folder, 1)
        found.append(resume(folder))
        assert names(folder) == (WHOLE if found[-1] else [])
        save(folder, 2)
        assert last(folder) == 2
    assert found == sorted(found)
    assert set(found) == {0, 1}


def test_a_full_disk_at_any_operation_is_an_error_of_the_disk_and_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    save(tmp_path / "counted", 1)
    total = len(operations(lambda: save(tmp_path / "counted", 2), NEEDING_SPACE))
    assert total > 10
    found = []
    for count in range(total):
        folder = tmp_path / str(count)
        save(folder, 1)
        with full_at(count), pytest.raises(OSError, match="No space left on device") as raised:
            save(folder, 2)
        assert raised.value.errno == errno.ENOSPC
        assert [name for name in names(folder) if name.endswith(".new")] == []
        found.append(last(folder))
        assert names(folder) == WHOLE
    assert found == sorted(found)
    assert set(found) == {1, 2}


def test_a_half_written_checkpoint_is_never_read_and_is_removed(tmp_path: Path) -> None:
    save(tmp_path / "whole", 2)
    for part in ("model.safetensors", "state.safetensors", "state.json"):
        content = (tmp_path / "whole/last" / part).read_bytes()
        for length in range(0, len(content), 23):
            folder = tmp_path / f"{part}-{length}"
            save(folder, 1)
            half = folder / f"last.{'0' * 32}.new"
            shutil.copytree(tmp_path / "whole/last", half)
            (half / part).write_bytes(content[:length])
            assert resume(folder) == 1
            assert not half.exists()


def test_nothing_is_made_where_the_folder_of_the_trial_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save_last(tmp_path / "deleted", checkpoint(1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model.safetensors", "state.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "other", "flipped", "missing", "of another epoch"])
def test_a_damaged_file_is_named_in_one_line_and_the_checkpoint_before_it_is_taken(
    tmp_path: Path, name: str, damage: str
) -> None:
    save(tmp_path, 2)
    save(tmp_path / "other", 1)
    path = tmp_path / "last" / name
    content = path.read_bytes()
    flipped = content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]
    other = (tmp_path / "other" / "last" / name).read_bytes()
    changed = {"cut": content[: len(content) // 2], "other": b"[1, 2, 3]", "flipped": flipped}
    path.write_bytes({**changed, "of another epoch": other}.get(damage, b""))
    if damage == "missing":
        path.unlink()
    with pytest.raises(SweeperError) as raised:
        load_last(tmp_path, TRIAL)
    assert str(raised.value).startswith(f"{tmp_path / 'last'}/")
    assert "\n" not in str(raised.value)

    (tmp_path / "other" / "last").rename(tmp_path / "last.previous")
    assert last(tmp_path) == 1
    assert not (tmp_path / "last.previous").exists()


def test_a_checkpoint_of_another_trial_is_refused(tmp_path: Path) -> None:
    save_last(tmp_path, checkpoint(1, "another trial"))
    with pytest.raises(SweeperError, match=r"last/state\.json: is of another trial$"):
        load_last(tmp_path, TRIAL)


def test_values_that_no_trial_writes_are_refused_though_their_checksum_is_right(tmp_path: Path) -> None:
    save(tmp_path, 1)
    path = tmp_path / "last/state.json"
    values = strict_json.unseal(path.read_bytes())
    for wrong in ({"epoch": "x"}, {"metrics": 3}, {"best": [1]}, {"files": 1}, {"files": {}}, {"trial": None}):
        path.write_text(strict_json.seal(strict_json.dumps(values | wrong)))
        with pytest.raises(SweeperError, match=r"last/\S+: (is damaged \(|does not belong|is of another)") as raised:
            load_last(tmp_path, TRIAL)
        assert "\n" not in str(raised.value)


def test_there_is_no_checkpoint_in_an_empty_folder(tmp_path: Path) -> None:
    assert load_last(tmp_path, TRIAL) is None
    assert load_last(tmp_path / "absent", TRIAL) is None


def test_a_disk_that_cannot_be_read_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, 1)

    def fail(_: Path) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(OSError, match="Input/output error"):
        load_last(tmp_path, TRIAL)


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


WEIGHT = torch.arange(6.0).view(2, 3)


@pytest.mark.parametrize(
    "weights",
    [
        {"a": WEIGHT, "b": WEIGHT, "c": WEIGHT.t()},
        {"part": WEIGHT[:, 1:], "rest": WEIGHT[:, :1]},
        {"scalar": torch.tensor(3.5), "half": torch.ones(2, dtype=torch.bfloat16), "empty": torch.empty(0, 3)},
        {"truth": torch.tensor([True, False]), "count": torch.tensor([2**60]), "nan": torch.tensor([torch.nan])},
        {},
    ],
)
def test_tensors_of_any_layout_and_type_come_back_to_the_bit(tmp_path: Path, weights: Mapping[str, Tensor]) -> None:
    save_last(tmp_path, Checkpoint(TRIAL, weights, {}, Progress(), ""))
    found = load_last(tmp_path, TRIAL)
    assert found is not None
    assert found.weights.keys() == weights.keys()
    for name, value in weights.items():
        assert torch.equal(found.weights[name].nan_to_num(7), value.nan_to_num(7)), name
        assert found.weights[name].dtype == value.dtype


def times_written(act: Callable[[], object]) -> int:
    return operations(act).count("write")


def test_the_best_weights_are_not_written_a_second_time(tmp_path: Path) -> None:
    assert times_written(lambda: save_last(tmp_path, checkpoint(1))) == 3
    assert times_written(lambda: best(tmp_path).keep(progress(1))) == 0
    assert (tmp_path / "best/model.safetensors").samefile(tmp_path / "last/model.safetensors")
