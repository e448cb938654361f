"""Protects the way from files to bytes: gzipped, unpacked, damaged, missing or downloaded, told in one line."""

import gzip
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeper.errors import UsageError
from sweeper.training.data import data_folder
from sweeper.training.data.files import DataFile, md5

CONTENT = b"some images " * 50
GZIPPED = gzip.compress(CONTENT, mtime=0)


def data_file(*mirrors: str) -> DataFile:
    return DataFile("SET/images", md5(GZIPPED), md5(CONTENT), mirrors or ("file:///nowhere/images.gz",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data" / "SET").mkdir(parents=True)
    return tmp_path / "data"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("name", "stored"), [("images", CONTENT), ("images.gz", GZIPPED)])
def test_a_file_is_read_gzipped_or_unpacked_and_nothing_is_written(folder: Path, name: str, stored: bytes) -> None:
    (folder / "SET" / name).write_bytes(stored)
    assert data_file().read(folder) == CONTENT
    assert tree(folder) == {f"SET/{name}": stored}


@pytest.mark.parametrize(
    ("name", "stored", "expected"),
    [
        ("images", CONTENT[:-1], md5(CONTENT)),
        ("images.gz", GZIPPED[:-9], md5(GZIPPED)),
        ("images.gz", gzip.compress(b"others"), md5(GZIPPED)),
        ("images.gz", b"", md5(GZIPPED)),
    ],
    ids=["cut short", "gzip cut short", "another gzip", "empty"],
)
def test_a_damaged_file_is_named_with_both_checksums(folder: Path, name: str, stored: bytes, expected: str) -> None:
    path = folder / "SET" / name
    path.write_bytes(stored)
    with pytest.raises(UsageError) as raised:
        data_file().read(folder)
    found = hashlib.md5(stored).hexdigest()
    assert str(raised.value) == f"{path} is damaged: its md5 should be {expected} and is {found}; remove or replace it"
    assert path.read_bytes() == stored


def test_a_missing_file_without_a_network_is_told_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "absent"
    with pytest.raises(UsageError) as raised:
        data_file("file:///nowhere/images.gz", "file:///elsewhere/images.gz").read(folder)
    message = str(raised.value)
    assert message.startswith(f"{folder / 'SET' / 'images.gz'} is missing: put it there, or name the folder")
    for part in ("--data-dir", "SWEEPER_DATA", "file:///nowhere/images.gz", "file:///elsewhere/images.gz"):
        assert part in message
    assert "\n" not in message
    assert not folder.exists()


@pytest.mark.parametrize(("name", "stored"), [("images", CONTENT), ("images.gz", GZIPPED)])
def test_a_missing_file_is_downloaded_as_it_is_distributed(tmp_path: Path, name: str, stored: bytes) -> None:
    mirror, folder = tmp_path / "mirror", tmp_path / "data"
    mirror.mkdir()
    (mirror / name).write_bytes(stored)
    file = data_file((tmp_path / "gone" / name).as_uri(), (mirror / name).as_uri())
    assert file.read(folder) == CONTENT
    assert tree(folder) == {f"SET/{name}": stored}
    (mirror / name).unlink()
    assert file.read(folder) == CONTENT, "the downloaded file is not used the second time"


def test_a_mirror_that_sends_something_else_is_passed_over(tmp_path: Path) -> None:
    portal, mirror = tmp_path / "portal.gz", tmp_path / "mirror.gz"
    portal.write_bytes(b"<html>please log in</html>")
    mirror.write_bytes(GZIPPED)
    assert data_file(portal.as_uri(), mirror.as_uri()).read(tmp_path / "data") == CONTENT
    with pytest.raises(UsageError, match=r"portal\.gz: sent something else, 26 bytes"):
        data_file(portal.as_uri()).read(tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.fixture
def broken_server() -> Iterator[str]:
    """A server that hangs up in the middle of its answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half")

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Keep the tests' output clean."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/images.gz"
        server.shutdown()
        thread.join()


def test_a_connection_that_breaks_is_told_in_one_line(folder: Path, broken_server: str) -> None:
    with pytest.raises(UsageError, match="IncompleteRead") as raised:
        data_file(broken_server).read(folder)
    assert "\n" not in str(raised.value)
    assert tree(folder) == {}


def test_a_silent_network_is_not_waited_for_without_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.training.data.download.PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UsageError, match="timed out"):
            data_file(f"http://127.0.0.1:{port}/images.gz").read(folder)


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    mirror, not_a_folder = tmp_path / "images.gz", tmp_path / "file"
    mirror.write_bytes(GZIPPED)
    not_a_folder.write_bytes(b"")
    with pytest.raises(UsageError, match=r"file/SET/images\.gz is missing"):
        data_file(mirror.as_uri()).read(not_a_folder)


def refuse(path: Path) -> bytes:
    raise PermissionError(13, "Permission denied", str(path))


@pytest.mark.parametrize(
    ("method", "start"), [("read_bytes", "cannot read {}/SET/images"), ("is_file", "cannot look for SET/images in {}")]
)
def test_a_file_that_may_not_be_read_is_told_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, method: str, start: str
) -> None:
    (folder / "SET" / "images").write_bytes(CONTENT)
    monkeypatch.setattr(Path, method, refuse)
    with pytest.raises(UsageError) as raised:
        data_file().read(folder)
    assert str(raised.value) == f"{start.format(folder)}: Permission denied"


def test_the_data_folder_is_the_argument_then_the_environment_then_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SWEEPER_DATA", str(tmp_path / "environment"))
    monkeypatch.chdir(tmp_path)
    assert data_folder(Path("here")) == tmp_path / "here", "a worker in another folder would not find it"
    assert data_folder(Path("~/mine")) == home / "mine"
    assert data_folder(None) == tmp_path / "environment"
    monkeypatch.setenv("SWEEPER_DATA", "")
    assert data_folder(None) == home / ".cache" / "sweeper" / "data"
    monkeypatch.delenv("SWEEPER_DATA")
    assert data_folder(None) == home / ".cache" / "sweeper" / "data"
