"""Small data sets made here, and the folder of the real ones where there is one."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sweeper.training.data.files import DataFile, md5
from sweeper.training.data.idx import IdxFiles

TRAIN_SIZE, TEST_SIZE = 40, 12
SHARED = Path(__file__).parents[4] / "shared" / "data"


def to_idx(array: NDArray[np.uint8]) -> bytes:
    """The idx file of an array of bytes."""
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.fixture(scope="session")
def contents() -> dict[str, bytes]:
    """The unpacked files of a small data set like MNIST, by name."""
    random = np.random.default_rng(0)
    images = {"train-images": TRAIN_SIZE, "t10k-images": TEST_SIZE}
    labels = {"train-labels": TRAIN_SIZE, "t10k-labels": TEST_SIZE}
    return {
        **{name: to_idx(random.integers(0, 256, (size, 5, 4), np.uint8)) for name, size in images.items()},
        **{name: to_idx(np.arange(size, dtype=np.uint8) % 10) for name, size in labels.items()},
    }


MakeFiles = Callable[..., IdxFiles]


@pytest.fixture
def make_files(contents: dict[str, bytes], tmp_path: Path) -> MakeFiles:
    """Returns the descriptions of the small data set's files, to be downloaded from the folder `mirror`."""

    def make(mirror: Path = tmp_path / "nowhere") -> IdxFiles:
        def file(name: str) -> DataFile:
            content = contents[name]
            url = f"{(mirror / name).as_uri()}.gz"
            return DataFile(f"SMALL/raw/{name}", md5(gzip.compress(content, mtime=0)), md5(content), (url,))

        return IdxFiles(file("train-images"), file("train-labels"), file("t10k-images"), file("t10k-labels"))

    return make


@pytest.fixture
def write_files(contents: dict[str, bytes]) -> Callable[[Path, bool], None]:
    """Returns a function that writes the small data set's files, gzipped or unpacked."""

    def write(raw: Path, gzipped: bool) -> None:
        raw.mkdir(parents=True)
        for name, content in contents.items():
            (raw / f"{name}.gz" if gzipped else raw / name).write_bytes(
                gzip.compress(content, mtime=0) if gzipped else content
            )

    return write


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the real data sets."""
    folder = Path(os.environ.get("SWEEPER_DATA") or SHARED)
    if not (folder / "MNIST").is_dir() or not (folder / "BinarizedMNIST").is_dir():
        pytest.skip(f"no real data sets in {folder}; SWEEPER_DATA may name another folder")
    return folder
