"""Protects that a file is the old one or the new one, whoever writes it at the same time."""

from pathlib import Path

import pytest

from sweeper.files import temporary_name, write_atomically


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert [(item.name, item.read_bytes()) for item in tmp_path.iterdir()] == [("file", b"old")]


def test_two_writers_never_share_a_temporary_file(tmp_path: Path) -> None:
    names = {temporary_name(tmp_path / "file") for _ in range(10)}
    assert len(names) == 10
    assert {name.parent for name in names} == {tmp_path}
