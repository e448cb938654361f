"""Protects the way from files to bytes: gzipped, unpacked, damaged, missing or downloaded, told in one line."""

import gzip
import hashlib
import socket
from pathlib import Path

import pytest

from sweeper.errors import UsageError
from sweeper.training.data import data_folder
from sweeper.training.data.files import DataFile, md5

CONTENT = b"some images " * 50
GZIPPED = gzip.compress(CONTENT, mtime=0)


CLOSED = "http://127.0.0.1:1/images.gz"
"""An address where nobody listens, as where there is no network."""


def data_file(*mirrors: str) -> DataFile:
    return DataFile("SET/images", md5(GZIPPED), md5(CONTENT), lambda: mirrors or (CLOSED,))


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


def test_a_missing_file_without_a_network_is_told_in_one_line_and_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "absent"
    with pytest.raises(UsageError) as raised:
        data_file(CLOSED, CLOSED.replace("images", "more")).read(folder)
    message = str(raised.value)
    assert message.startswith(f"{folder / 'SET' / 'images.gz'} is missing: put it there, or name the folder")
    for part in ("--data-dir", "SWEEPER_DATA", CLOSED, "http://127.0.0.1:1/more.gz", "Connection refused"):
        assert part in message
    assert "\n" not in message
    assert not folder.exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "stored"), [("images", CONTENT), ("images.gz", GZIPPED)])
def test_a_missing_file_is_downloaded_as_it_is_distributed_without_a_word(
    tmp_path: Path, mirror: tuple[str, Path], capfd: pytest.CaptureFixture[str], name: str, stored: bytes
) -> None:
    address, served = mirror
    (served / name).write_bytes(stored)
    file = data_file(f"{address}/gone/{name}", f"{address}/{name}")
    assert file.read(tmp_path / "data") == CONTENT
    assert tree(tmp_path / "data") == {f"SET/{name}": stored}
    (served / name).unlink()
    assert file.read(tmp_path / "data") == CONTENT, "the downloaded file is not used the second time"
    assert capfd.readouterr() == ("", "")


def test_a_mirror_that_sends_something_else_is_passed_over(tmp_path: Path, mirror: tuple[str, Path]) -> None:
    address, served = mirror
    (served / "portal.gz").write_bytes(b"<html>please log in</html>")
    (served / "images.gz").write_bytes(GZIPPED)
    assert data_file(f"{address}/portal.gz", f"{address}/images.gz").read(tmp_path / "data") == CONTENT
    with pytest.raises(UsageError, match=r"portal\.gz: File not found or corrupted"):
        data_file(f"{address}/portal.gz").read(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_connection_that_breaks_is_told_in_one_line(folder: Path, mirror: tuple[str, Path]) -> None:
    with pytest.raises(UsageError, match="is missing") as raised:
        data_file(f"{mirror[0]}/broken.gz").read(folder)
    assert "\n" not in str(raised.value)
    assert tree(folder) == {}


def test_a_silent_network_is_not_waited_for_without_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.training.data.download.PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UsageError, match="timed out"):
            data_file(f"http://127.0.0.1:{port}/images.gz").read(folder)
    assert socket.getdefaulttimeout() is None, "the limit stays for connections that are not ours"


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path: Path, mirror: tuple[str, Path]) -> None:
    address, served = mirror
    (served / "images.gz").write_bytes(GZIPPED)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"file/SET/images\.gz is missing"):
        data_file(f"{address}/images.gz").read(tmp_path / "file")


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
