"""Protects what every data set promises, each set's own contents, and that a worker does not wait for slow imports."""

import dataclasses
import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from sweeper.errors import UsageError
from sweeper.training.data import Images, Split, UnknownDatasetError, digits, find, names
from sweeper.training.data.digits import Digits
from sweeper.training.data.idx import IdxFiles
from sweeper.training.data.mnist import FASHION_MNIST_FILES, MNIST_FILES, FashionMnist, Mnist

MakeFiles = Callable[..., IdxFiles]
WriteFiles = Callable[[Path, bool], None]

CHECKSUMS: dict[str, tuple[str, ...]] = {
    "digits": (
        "45db4c4a1031e0b82d03124bca343433",
        "93d696e1e91d7137f4429f57ab500ef4",
        "dd4e4ba2ad5ef9dda618119a7faf5c46",
    ),
    "mnist": (
        "332cbd36a0a325e86be81e1ed0b90e71",
        "45d0b9bac1cb737971cdb6e1596bc30b",
        "8281dd42328a9749b8d38e82a48dccfa",
    ),
    "fashion_mnist": (
        "817690ee23c330611c74b86b3e6dcfcb",
        "d44435503f211122228c59023cf6a50f",
        "5ba1cb8af53c013fa1eeac8e97828e7d",
    ),
    "binarized_mnist": (
        "2348d2e5f45e8bd291cea7a0f6ee49c9",
        "97eb0012774af7ce937e51081f3d7cf3",
        "44759ac539ccc62a4d78ace3366fd9e0",
    ),
    "synthetic": (
        "37a8fef19087fdab6b5d68db2f6afe1a",
        "665018c76dd002d8ceaf3d9bbb4b27e9",
        "5e87c5bda4fb98604bf1d9da8525b273",
    ),
}
SIZES = {
    "digits": (1297, 250, 250),
    "mnist": (55_000, 5_000, 10_000),
    "fashion_mnist": (55_000, 5_000, 10_000),
    "binarized_mnist": (50_000, 10_000, 10_000),
    "synthetic": (1000, 250, 250),
}
WITHOUT_FILES = {"digits", "synthetic"}


def splits(images: Images) -> tuple[Split, Split, Split]:
    return images.train, images.validation, images.test


def checksum(split: Split) -> str:
    labels = b"" if split.labels is None else split.labels.numpy().astype("<i8").tobytes()
    return hashlib.md5(split.images.numpy().tobytes() + labels).hexdigest()


def rows(*parts: Split) -> list[bytes]:
    """The images with their labels, each as bytes, in the order of the bytes."""
    pairs = [(part.images, part.labels) for part in parts]
    return sorted(
        bytes([int(label)]) + image.numpy().tobytes()
        for images, labels in pairs
        if labels is not None
        for image, label in zip(images, labels, strict=True)
    )


@pytest.fixture
def images(name: str, request: pytest.FixtureRequest) -> Images:
    return find(name)().load(None if name in WITHOUT_FILES else request.getfixturevalue("real_data"))


@pytest.mark.parametrize("name", SIZES)
def test_every_set_keeps_the_contract_and_its_split(name: str, images: Images) -> None:
    assert tuple(len(split) for split in splits(images)) == SIZES[name]
    for split in splits(images):
        assert split.images.dtype == torch.uint8
        assert split.images.shape == (len(split), *images.shape)
        assert (int(split.images.min()), int(split.images.max())) == (0, 255)
        if images.classes:
            assert split.labels is not None
            assert split.labels.dtype == torch.int64
            assert len(split.labels.bincount()) == images.classes
            assert len(split.labels) == len(split)
        else:
            assert split.labels is None
    found = tuple(checksum(split) for split in splits(images))
    assert found == CHECKSUMS[name], "results on the old data are no longer comparable"


@pytest.mark.parametrize("name", names())
def test_fields_are_validated_from_their_annotations(name: str) -> None:
    dataset: Any = find(name)
    fields = [field.name for field in dataclasses.fields(dataset)]
    assert set(fields) <= set(get_type_hints(dataset, include_extras=True))
    adapter = TypeAdapter(dataset)
    assert adapter.validate_python({}) == dataset()
    assert hash(adapter.validate_python({})) == hash(dataset())
    for field in fields:
        for wrong in (-1, 1_000_000, "some"):
            with pytest.raises(ValidationError, match=field):
                adapter.validate_python({field: wrong})


@pytest.mark.parametrize("name", names())
def test_a_data_set_cannot_be_changed(name: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        find(name)().validation = 3  # type: ignore[attr-defined]


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownDatasetError, match=r"digits, mnist, fashion_mnist, binarized_mnist.*did you mean mnist"):
        find("mnits")
    assert issubclass(UnknownDatasetError, ValueError)
    assert issubclass(UnknownDatasetError, UsageError)


def test_digits_are_those_of_scikit_learn_and_each_is_in_one_split() -> None:
    from sklearn.datasets import load_digits

    source = load_digits()
    expected = sorted(
        bytes([label]) + bytes(round(value * 255 / 16) for value in grey)
        for grey, label in zip(source.data.tolist(), source.target.tolist(), strict=True)
    )
    assert rows(*splits(Digits().load())) == expected


def test_digits_are_the_same_where_scikit_learn_keeps_its_file_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [checksum(split) for split in splits(Digits().load())]
    monkeypatch.setattr(digits, "BUNDLED", "datasets/moved.csv.gz")
    assert [checksum(split) for split in splits(Digits().load())] == expected


@pytest.mark.parametrize("validation", [1, 100, 1546])
def test_the_test_digits_do_not_depend_on_the_validation_digits(validation: int) -> None:
    images = Digits(validation).load()
    assert len(images.validation) == validation
    assert len(images.train) == 1547 - validation
    assert checksum(images.test) == CHECKSUMS["digits"][2]


@pytest.mark.parametrize("gzipped", [True, False])
def test_idx_files_are_read_as_they_lie(
    gzipped: bool, tmp_path: Path, make_files: MakeFiles, write_files: WriteFiles, contents: dict[str, bytes]
) -> None:
    write_files(tmp_path / "SMALL" / "raw", gzipped)
    images = make_files().load(tmp_path, validation=10)
    assert tuple(len(split) for split in splits(images)) == (30, 10, 12)
    assert images.shape == (1, 5, 4)
    train = np.frombuffer(contents["train-images"], np.uint8, offset=16).reshape(-1, 20)
    labelled = sorted(bytes([index % 10]) + row.tobytes() for index, row in enumerate(train))
    assert rows(images.train, images.validation) == labelled, "an image is in both parts, in none, or has a wrong label"
    assert images.test.images.numpy().tobytes() == contents["t10k-images"][16:]
    assert images.test.labels is not None
    assert images.test.labels.tolist() == [index % 10 for index in range(12)]
    assert images.validation.labels is not None
    assert images.validation.labels.bincount().tolist() == [1] * 10, "not every class has its share"


def test_idx_files_are_downloaded_once_and_each_only_if_absent(
    tmp_path: Path, make_files: MakeFiles, write_files: WriteFiles, mirror: tuple[str, Path]
) -> None:
    address, served = mirror
    folder = tmp_path / "data" / "SMALL" / "raw"
    write_files(served, True)
    write_files(folder, True)
    (folder / "t10k-labels.gz").unlink()
    (served / "train-images.gz").unlink()
    make_files(address).load(tmp_path / "data", validation=10)
    assert sorted(path.name for path in folder.iterdir()) == [
        "t10k-images.gz",
        "t10k-labels.gz",
        "train-images.gz",
        "train-labels.gz",
    ]


def test_more_validation_images_than_there_are_is_refused(
    tmp_path: Path, make_files: MakeFiles, write_files: WriteFiles
) -> None:
    write_files(tmp_path / "SMALL" / "raw", False)
    with pytest.raises(UsageError, match="cannot hold out 40 of 40 images"):
        make_files().load(tmp_path, validation=40)


@pytest.mark.parametrize("dataset", [Mnist(validation=10_000), FashionMnist(validation=1)], ids=["mnist", "fashion"])
def test_the_published_test_set_is_kept_whatever_is_held_out(dataset: Mnist | FashionMnist, real_data: Path) -> None:
    images = dataset.load(real_data)
    assert len(images.validation) == dataset.validation
    assert len(images.train) == 60_000 - dataset.validation
    name = "mnist" if isinstance(dataset, Mnist) else "fashion_mnist"
    assert checksum(images.test) == CHECKSUMS[name][2]


def test_files_and_mirrors_are_those_of_torchvision() -> None:
    from torchvision import datasets

    for files, reference in ((MNIST_FILES, datasets.MNIST), (FASHION_MNIST_FILES, datasets.FashionMNIST)):
        ours = (files.train_images, files.train_labels, files.test_images, files.test_labels)
        raw = f"{reference.__name__}/raw"
        assert [(f"{file.path}.gz", file.gzipped_md5) for file in ours] == [
            (f"{raw}/{path}", md5) for path, md5 in reference.resources
        ]
        assert [file.mirrors() for file in ours] == [
            [mirror + path for mirror in reference.mirrors] for path, _ in reference.resources
        ]


def test_a_worker_that_loads_the_digits_imports_nothing_slow_for_it() -> None:
    code = (
        "import sys; from sweeper.training.data import find; find('digits')().load(); "
        "print({'sklearn', 'torchvision', 'scipy', 'ray', 'mlflow', 'optuna'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
