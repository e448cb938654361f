"""Protects the copies of files at the top of a sweep: each is what the store has, and fetched when that is new."""

from pathlib import Path

import pytest
from support.memory_objects import MemoryObjects

from sweeper.remote.working_copy import WorkingCopy


@pytest.fixture
def store() -> MemoryObjects:
    """A sweep with a file, a lock, and a trial."""
    objects = MemoryObjects().below("first")
    for key in ("sweep.yaml", "driver.lock", "trials/0/snapshot.json"):
        objects.put(key, key.encode())
    return objects


class Counting(MemoryObjects):
    """A store that counts what is fetched."""

    fetched: tuple[str, ...] = ()

    def fetch(self, key: str, path: Path) -> bool:
        self.fetched = (*self.fetched, key)
        return super().fetch(key, path)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def test_files_at_the_top_are_copied_and_no_lock_and_no_folder(store: MemoryObjects, tmp_path: Path) -> None:
    assert WorkingCopy(store, tmp_path).pull()
    assert contents(tmp_path) == {"sweep.yaml": b"sweep.yaml"}
    assert not WorkingCopy(store, tmp_path).pull()


def test_only_what_has_changed_is_fetched_again(tmp_path: Path) -> None:
    store = Counting()
    for key in ("a", "b"):
        store.put(key, b"old")
    WorkingCopy(store, tmp_path).pull()
    store.put("a", b"new")
    store.fetched = ()
    assert WorkingCopy(store, tmp_path).pull()
    assert store.fetched == ("a",)
    assert contents(tmp_path) == {"a": b"new", "b": b"old"}


def test_what_is_gone_there_is_gone_here(store: MemoryObjects, tmp_path: Path) -> None:
    store.put("verdict.txt", b"Answer")
    WorkingCopy(store, tmp_path).pull()
    store.remove(["verdict.txt"])
    WorkingCopy(store, tmp_path).pull()
    assert contents(tmp_path) == {"sweep.yaml": b"sweep.yaml"}


def test_a_copy_that_was_removed_is_fetched_again(store: MemoryObjects, tmp_path: Path) -> None:
    WorkingCopy(store, tmp_path).pull()
    (tmp_path / "sweep.yaml").unlink()
    WorkingCopy(store, tmp_path).pull()
    assert contents(tmp_path) == {"sweep.yaml": b"sweep.yaml"}


@pytest.mark.parametrize("versions", [b"", b"{", b"[]", b"\xff"])
def test_versions_that_cannot_be_read_cost_no_more_than_fetching(
    store: MemoryObjects, tmp_path: Path, versions: bytes
) -> None:
    (tmp_path / ".versions.json").write_bytes(versions)
    (tmp_path / "sweep.yaml").write_bytes(b"older")
    WorkingCopy(store, tmp_path).pull()
    assert contents(tmp_path) == {"sweep.yaml": b"sweep.yaml"}


def test_what_is_replaced_while_it_is_fetched_is_looked_for_again(tmp_path: Path) -> None:
    class Replaced(MemoryObjects):
        """A store in which one piece of a journal makes room for another as soon as it is looked at."""

        def fetch(self, key: str, path: Path) -> bool:
            if key == "00000001.journal":
                self.remove(["00000001.journal"])
                self.put("00000002.journal", b"rewritten")
            return super().fetch(key, path)

    store = Replaced()
    store.put("00000001.journal", b"before")
    WorkingCopy(store, tmp_path).pull()
    assert contents(tmp_path) == {"00000002.journal": b"rewritten"}


def test_what_lies_here_is_sent_and_what_only_lies_there_stays(store: MemoryObjects, tmp_path: Path) -> None:
    for name in ("verdict.txt", "tracking.lock", ".hidden", "verdict.txt.0.new"):
        (tmp_path / name).write_bytes(name.encode())
    WorkingCopy(store, tmp_path).push()
    assert sorted(store.here()) == ["driver.lock", "sweep.yaml", "verdict.txt"]
