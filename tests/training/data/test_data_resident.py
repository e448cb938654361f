"""Protects that a worker loads a data set once, and again only for another set, folder or device."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from sweeper.errors import UsageError
from sweeper.training.data import Images, Split, resident

loads: list[Path | None] = []


@dataclass(frozen=True)
class Counted:
    """A data set that tells when it is loaded."""

    value: int = 0

    def load(self, data_dir: Path | None = None) -> Images:
        loads.append(data_dir)
        if self.value < 0:
            raise UsageError("no such images")
        images = torch.full((2, 1, 3, 3), self.value, dtype=torch.uint8)
        return Images(Split(images, torch.tensor([0, 1])), Split(images, None), Split(images, None), classes=2)


@pytest.fixture(autouse=True)
def _nothing_loaded() -> None:
    loads.clear()


def test_a_set_is_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = resident(Counted(), tmp_path, "cpu")
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path))
    assert resident(Counted(), None, torch.device("cpu")) is first
    assert loads == [tmp_path]


def test_another_set_or_folder_is_loaded_for_itself(tmp_path: Path) -> None:
    first = resident(Counted(), tmp_path, "cpu")
    other = resident(Counted(7), tmp_path, "cpu")
    assert (int(first.train.images.max()), int(other.train.images.max())) == (0, 7)
    resident(Counted(), tmp_path / "elsewhere", "cpu")
    assert loads == [tmp_path, tmp_path, tmp_path / "elsewhere"]


def test_every_tensor_is_on_the_device(tmp_path: Path) -> None:
    images = resident(Counted(), tmp_path, "meta")
    tensors = [images.train.images, images.train.labels, images.validation.images, images.test.images]
    assert {tensor.device.type for tensor in tensors if tensor is not None} == {"meta"}
    assert images.validation.labels is None
    assert images.classes == 2


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(UsageError, match="no such images"):
            resident(Counted(-1), tmp_path, "cpu")
    assert len(loads) == 2
