"""Protects the colour data sets: read as published from small files of the true format, or refused in one line."""

import dataclasses
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch
from numpy.typing import NDArray
from PIL import Image

from models import UNKNOWN
from sweeper.errors import UsageError
from sweeper.training.data import Images, cifar10, stl10, svhn
from sweeper.training.data.cifar10 import Cifar10
from sweeper.training.data.colour import luma
from sweeper.training.data.files import DataFile, md5
from sweeper.training.data.stl10 import Stl10, shrink
from sweeper.training.data.svhn import Svhn

Bytes = NDArray[np.uint8]
Serve = Callable[..., Path]

RANDOM = np.random.default_rng(0)
CLASSES = (np.arange(40) % 10).astype(np.uint8)
COLOURS = {name: RANDOM.integers(0, 256, (40, 3, 32, 32), np.uint8) for name in ("train", "extra", "test")}
LARGE = {name: RANDOM.integers(0, 256, (40, 3, 96, 96), np.uint8) for name in ("train", "unlabelled", "test")}


def mat(images: Bytes) -> bytes:
    """A file of SVHN: images last, and 10 as the label of the digit 0."""
    file = io.BytesIO()
    labels = np.where(CLASSES == 0, 10, CLASSES)[:, None]
    scipy.io.savemat(file, {"X": images.transpose(2, 3, 1, 0), "y": labels}, do_compression=True)
    return file.getvalue()


def tar(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def cifar_archive() -> bytes:
    """The binary version: six files of records, of which the training ones have eight each, and another file."""
    records = {name: np.column_stack([CLASSES, images.reshape(40, -1)]) for name, images in COLOURS.items()}
    batches = {f"data_batch_{n + 1}.bin": records["train"][8 * n : 8 * n + 8].tobytes() for n in range(5)}
    files = {"readme.html": b"<html>", **batches, "test_batch.bin": records["test"].tobytes()}
    return tar({f"cifar-10-batches-bin/{name}": content for name, content in files.items()})


def stl_archive() -> bytes:
    """The binary version: images column by column, labels from 1, in the order of the published archive."""
    columns = {name: images.swapaxes(2, 3).tobytes() for name, images in LARGE.items()}
    labels = (CLASSES + 1).tobytes()
    files = {
        "test_X.bin": columns["test"],
        "test_y.bin": labels,
        "train_X.bin": columns["train"],
        "train_y.bin": labels,
        "unlabeled_X.bin": columns["unlabelled"],
        "fold_indices.txt": b"1 2 3",
    }
    return tar({f"stl10_binary/{name}": content for name, content in files.items()})


@pytest.fixture
def serve(tmp_path: Path, mirror: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Returns a function that publishes contents as the files of a module, and the data folder to download them to."""
    address, served = mirror

    def publish(module: ModuleType, contents: dict[str, bytes]) -> Path:
        for constant, content in contents.items():
            file: DataFile = getattr(module, constant)
            name = Path(file.path).name
            (served / name).write_bytes(content)
            mine = dataclasses.replace(
                file, unpacked_md5=md5(content), mirrors=lambda name=name: (f"{address}/{name}",)
            )
            monkeypatch.setattr(module, constant, mine)
        return tmp_path / "data"

    return publish


def serve_svhn(serve: Serve) -> Path:
    return serve(svhn, {name.upper(): mat(images) for name, images in COLOURS.items()})


def rows(*parts: tuple[Any, Any]) -> list[bytes]:
    """Images with their labels, each as bytes, in the order of the bytes."""
    return sorted(
        bytes([int(label)]) + np.asarray(image).tobytes()
        for images, labels in parts
        for image, label in zip(images, labels, strict=True)
    )


def assert_holds(images: Images, train: Bytes, test: Bytes) -> None:
    """The splits have these 40 training images, 10 of them held out with one of each class, and this test set."""
    assert [len(split) for split in (images.train, images.validation)] == [30, 10]
    parts = [(split.images, split.labels) for split in (images.train, images.validation)]
    assert rows(*parts) == rows((train, CLASSES)), "an image is in both parts, in none, or has a wrong label"
    assert images.validation.labels is not None
    assert images.validation.labels.bincount().tolist() == [1] * 10
    assert images.test.labels is not None
    assert images.test.labels.tolist() == CLASSES.tolist()
    assert images.test.images.numpy().tobytes() == test.tobytes()
    assert images.classes == 10


def test_svhn_is_downloaded_and_read(serve: Serve) -> None:
    folder = serve_svhn(serve)
    assert_holds(Svhn(validation=10).load(folder), COLOURS["train"], COLOURS["test"])
    assert sorted(path.name for path in (folder / "SVHN").iterdir()) == ["test_32x32.mat", "train_32x32.mat"]


def test_extra_images_of_svhn_are_trained_on_and_change_nothing_else(serve: Serve) -> None:
    folder = serve_svhn(serve)
    usual, extra = Svhn(validation=10).load(folder), Svhn(validation=10, extra=True, labels=20).load(folder)
    assert len(extra.train) == 70
    assert extra.train.images[:30].equal(usual.train.images)
    assert extra.train.images[30:].numpy().tobytes() == COLOURS["extra"].tobytes()
    assert extra.validation.images.equal(usual.validation.images)
    assert extra.train.labels is not None
    assert (extra.train.labels != UNKNOWN).sum() == 20


def test_cifar10_is_downloaded_and_read_without_unpickling(serve: Serve) -> None:
    folder = serve(cifar10, {"ARCHIVE": cifar_archive()})
    assert_holds(Cifar10(validation=10).load(folder), COLOURS["train"], COLOURS["test"])
    assert [path.name for path in folder.iterdir()] == ["cifar-10-binary.tar.gz"]


def test_stl10_is_read_shrunk_with_its_unlabelled_images(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stl10, "AT_ONCE", 7)
    images = Stl10(validation=10).load(serve(stl10, {"ARCHIVE": stl_archive()}))
    assert images.shape == (3, 64, 64)
    assert images.train.images[30:].numpy().tobytes() == shrink(LARGE["unlabelled"]).tobytes()
    assert images.train.labels is not None
    assert images.train.labels[30:].tolist() == [UNKNOWN] * 40
    labelled = dataclasses.replace(images.train, images=images.train.images[:30], labels=images.train.labels[:30])
    assert_holds(dataclasses.replace(images, train=labelled), shrink(LARGE["train"]), shrink(LARGE["test"]))


@pytest.mark.parametrize("name", ["svhn", "cifar10", "stl10"])
def test_each_can_be_had_in_grey(serve: Serve, name: str) -> None:
    if name == "svhn":
        folder = serve_svhn(serve)
        colour, grey = Svhn(validation=10).load(folder), Svhn(validation=10, grey=True).load(folder)
    elif name == "cifar10":
        folder = serve(cifar10, {"ARCHIVE": cifar_archive()})
        colour, grey = Cifar10(validation=10).load(folder), Cifar10(validation=10, grey=True).load(folder)
    else:
        folder = serve(stl10, {"ARCHIVE": stl_archive()})
        colour, grey = Stl10(validation=10).load(folder), Stl10(validation=10, grey=True).load(folder)
    assert grey.shape == (1, *colour.shape[1:])
    for ours, theirs in ((grey.train, colour.train), (grey.validation, colour.validation), (grey.test, colour.test)):
        assert ours.images.numpy().tobytes() == luma(theirs.images.numpy()).tobytes()


def test_grey_is_the_brightness_that_pillow_computes() -> None:
    images = COLOURS["train"]
    expected = np.stack([np.asarray(Image.fromarray(image.transpose(1, 2, 0)).convert("L")) for image in images])
    assert np.abs(luma(images)[:, 0].astype(int) - expected).max() <= 1  # Pillow's weights have 16 bits.


def test_shrinking_takes_the_mean_over_each_pixels_area() -> None:
    images = LARGE["train"][:4]
    fine = torch.from_numpy(images).double().repeat_interleave(2, -1).repeat_interleave(2, -2)
    expected = torch.nn.functional.avg_pool2d(fine, 3)
    assert (torch.from_numpy(shrink(images)) - expected).abs().max() <= 0.5


DAMAGED = [
    (svhn, "TRAIN", Svhn(), "SVHN/train_32x32.mat"),
    (cifar10, "ARCHIVE", Cifar10(), "cifar-10-binary.tar.gz"),
    (stl10, "ARCHIVE", Stl10(), "stl10_binary.tar.gz"),
]


@pytest.mark.parametrize(("module", "constant", "dataset", "path"), DAMAGED, ids=["svhn", "cifar10", "stl10"])
def test_a_damaged_file_is_told_in_one_line_before_it_is_read(
    module: ModuleType, constant: str, dataset: Any, path: str, tmp_path: Path
) -> None:
    target = tmp_path / path
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(b"half")
    expected = getattr(module, constant).unpacked_md5
    with pytest.raises(UsageError) as raised:
        dataset.load(tmp_path)
    found = md5(b"half")
    assert (
        str(raised.value) == f"{target} is damaged: its md5 should be {expected} and is {found}; remove or replace it"
    )


@pytest.mark.parametrize(("module", "constant", "dataset", "path"), DAMAGED, ids=["svhn", "cifar10", "stl10"])
def test_a_missing_file_without_a_network_is_told_in_one_line(
    module: ModuleType, constant: str, dataset: Any, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = dataclasses.replace(getattr(module, constant), mirrors=lambda: ("http://127.0.0.1:1/file",))
    monkeypatch.setattr(module, constant, nowhere)
    with pytest.raises(UsageError, match="is missing: put it there, or name the folder") as raised:
        dataset.load(tmp_path)
    assert str(raised.value).startswith(str(tmp_path / path))
    assert "\n" not in str(raised.value)


def test_an_archive_that_is_none_is_told_in_one_line(serve: Serve) -> None:
    folder = serve(cifar10, {"ARCHIVE": b"not an archive"})
    with pytest.raises(UsageError, match=r"cannot read .*cifar-10-binary\.tar\.gz: ") as raised:
        Cifar10().load(folder)
    assert "\n" not in str(raised.value)


def test_files_checksums_and_addresses_are_those_of_torchvision() -> None:
    from torchvision import datasets

    for split, file in (("train", svhn.TRAIN), ("extra", svhn.EXTRA), ("test", svhn.TEST)):
        url, name, checksum = datasets.SVHN.split_list[split]
        assert (file.path, file.unpacked_md5, file.mirrors()) == (f"SVHN/{name}", checksum, [url])
    archive = stl10.ARCHIVE
    reference = datasets.STL10
    assert (archive.path, archive.unpacked_md5, archive.mirrors()) == (
        reference.filename,
        reference.tgz_md5,
        [reference.url],
    )
    published = {name for name, _ in (*reference.train_list, *reference.test_list)}
    ours = (stl10.TRAIN, stl10.TRAIN_LABELS, stl10.UNLABELLED, stl10.TEST, stl10.TEST_LABELS)
    assert {f"{reference.base_folder}/{name}" for name in published} == set(ours)
