"""Small data sets made here, and the folder of the real ones where there is one."""

import gzip
import http.server
import os
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
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


class Mirror(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and hangs up in the middle of a file called "broken"."""

    def do_GET(self) -> None:
        if not self.path.startswith("/broken"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half")

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server of files: its address, and the folder whose files it serves."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Mirror, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


MakeFiles = Callable[..., IdxFiles]


@pytest.fixture
def make_files(contents: dict[str, bytes]) -> MakeFiles:
    """Returns the descriptions of the small data set's files, to be downloaded from an address."""

    def make(address: str = "http://127.0.0.1:1") -> IdxFiles:
        def file(name: str) -> DataFile:
            content = contents[name]
            url = f"{address}/{name}.gz"
            return DataFile(f"SMALL/raw/{name}", md5(gzip.compress(content, mtime=0)), md5(content), lambda: (url,))

        return IdxFiles(file("train-images"), file("train-labels"), file("t10k-images"), file("t10k-labels"))

    return make


@pytest.fixture
def write_files(contents: dict[str, bytes]) -> Callable[[Path, bool], None]:
    """Returns a function that writes the small data set's files, gzipped or unpacked."""

    def write(raw: Path, gzipped: bool) -> None:
        raw.mkdir(parents=True, exist_ok=True)
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
