"""Protects a journal in an object store: few requests, one writer, and a whole one at every moment for readers."""

from pathlib import Path
from typing import Any

import pytest
from replicated import SWEEP, Killed
from support.sweeps import make_spec, simulated

from sweeper.remote.objects import ChangedError, Objects
from sweeper.remote.s3 import S3Objects
from sweeper.search import read_records
from sweeper.search.journal import Position, end_of
from sweeper.search.pieces import Pieces
from sweeper.search.places import fetch_journal

FULL = 100
"""Bytes: two lines of about 60 fill a piece."""


@pytest.fixture
def objects(bucket: str, monkeypatch: pytest.MonkeyPatch) -> S3Objects:
    monkeypatch.setattr("sweeper.search.pieces.FULL", FULL)
    return S3Objects.at(f"{bucket}/home/{SWEEP}")


class Watched:
    """Objects of which every request is noted."""

    def __init__(self, objects: Objects, requests: list[tuple[str, Any]]) -> None:
        self._objects = objects
        self._requests = requests

    def below(self, name: str) -> "Watched":
        return Watched(self._objects.below(name), self._requests)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._objects, name)

        def noted(*words: Any) -> Any:
            self._requests.append((name, words[0] if words else None))
            return method(*words)

        return noted if callable(method) else method


def written(pieces: Pieces, count: int, after: bytes = b"") -> bytes:
    """Write so many changes of one line; return the journal."""
    for number in range(count):
        before = end_of(after, "")
        line, _ = before.then(b'{"number":%d,"text":"%b"' % (number, b"x" * 20))
        pieces.append(before, line)
        after += line
    return after


def keys(objects: Objects) -> list[str]:
    return sorted(objects.below("study").keys())


def names(*numbers: int) -> list[str]:
    return [f"{number:08}.journal" for number in numbers]


def test_a_piece_grows_until_it_is_full(objects: S3Objects) -> None:
    requests: list[tuple[str, Any]] = []
    content = written(Pieces(Watched(objects, requests)), 5)
    assert requests == [("write", key) for key in names(1, 1, 2, 2, 3)]
    assert keys(objects) == names(1, 2, 3)
    assert b"".join(objects.below("study").read(key).content for key in keys(objects)) == content


def test_it_is_gone_on_with_where_it_ends(objects: S3Objects) -> None:
    content = b""
    for _ in range(5):
        pieces = Pieces(objects)
        assert pieces.load() == content
        content = written(pieces, 1, content)
    assert keys(objects) == names(1, 2, 3)


@pytest.mark.parametrize("count", range(5))
def test_of_two_writers_the_slower_one_is_refused(objects: S3Objects, count: int) -> None:
    content = written(Pieces(objects), count)
    slow, quick = Pieces(objects), Pieces(objects)
    assert slow.load() == quick.load() == content
    line, _ = end_of(content, "").then(b'{"by":"another"')
    quick.append(end_of(content, ""), line)
    with pytest.raises(ChangedError):
        written(slow, 1, content)
    with pytest.raises(ChangedError):
        slow.replace(line)
    assert Pieces(objects).load() == content + line


@pytest.mark.parametrize("count", range(5))
def test_a_journal_that_is_replaced_is_whole_and_its_slower_writer_refused(objects: S3Objects, count: int) -> None:
    content = written(Pieces(objects), count)
    slow, pieces = Pieces(objects), Pieces(objects)
    assert slow.load() == pieces.load() == content
    new, _ = Position().then(b'{"anew":true')
    pieces.replace(new)
    assert len(keys(objects)) == 1
    with pytest.raises(ChangedError):
        written(slow, 1, content)
    new = written(pieces, 4, new)
    assert Pieces(objects).load() == new


@pytest.mark.parametrize("count", range(1, 5))
def test_killed_before_what_was_replaced_is_removed(objects: S3Objects, count: int) -> None:
    class Dying(S3Objects):
        def remove(self, keys: Any) -> None:
            raise Killed

    pieces = Pieces(Dying(objects._bucket, objects._prefix))
    written(pieces, count)
    new, _ = Position().then(b'{"anew":true')
    with pytest.raises(Killed):
        pieces.replace(new)
    again = Pieces(objects)
    assert again.load() == new
    new = written(again, 3, new)
    assert Pieces(objects).load() == new
    again.replace(new)
    assert len(keys(objects)) == 1


def test_who_reads_while_it_is_replaced_gets_the_new_one(objects: S3Objects) -> None:
    content = written(Pieces(objects), 6)
    new, _ = Position().then(b'{"anew":true')

    class Replaced(S3Objects):
        is_read = False

        def read(self, key: str) -> Any:
            if not type(self).is_read:
                type(self).is_read = True
                pieces = Pieces(objects)
                assert pieces.load() == content
                pieces.replace(new)
            return super().read(key)

    assert Pieces(Replaced(objects._bucket, objects._prefix)).load() == new


def test_what_is_no_piece_is_let_alone(objects: S3Objects) -> None:
    content = written(Pieces(objects), 3)
    objects.put("study/note.txt", b"of somebody else")
    pieces = Pieces(objects)
    assert pieces.load() == content
    pieces.replace(content)
    assert keys(objects) == [*names(2), "note.txt"]


class TestReading:
    """A folder of somebody who reads."""

    @pytest.fixture
    def requests(self) -> list[tuple[str, Any]]:
        return []

    @pytest.fixture
    def store(self, objects: S3Objects, requests: list[tuple[str, Any]]) -> Watched:
        return Watched(objects, requests)

    def test_only_what_has_changed_is_fetched(
        self, objects: S3Objects, store: Watched, requests: list[tuple[str, Any]], tmp_path: Path
    ) -> None:
        pieces = Pieces(objects)
        content = written(pieces, 7)
        for count, fetched in ((0, names(1, 2, 3, 4)), (0, []), (1, names(4)), (2, names(5))):
            content = written(pieces, count, content)
            requests.clear()
            fetch_journal(tmp_path, store)
            assert (tmp_path / "study.journal").read_bytes() == content
            assert [key for name, key in requests if name == "fetch"] == fetched

    def test_a_journal_that_is_replaced(self, objects: S3Objects, store: Watched, tmp_path: Path) -> None:
        pieces = Pieces(objects)
        written(pieces, 7)
        fetch_journal(tmp_path, store)
        new, _ = Position().then(b'{"anew":true')
        pieces.replace(new)
        fetch_journal(tmp_path, store)
        assert (tmp_path / "study.journal").read_bytes() == new

    def test_no_journal_makes_none(self, store: Watched, tmp_path: Path) -> None:
        fetch_journal(tmp_path, store)
        assert not (tmp_path / "study.journal").exists()


def test_a_sweep_is_read_while_it_runs(objects: S3Objects, tmp_path: Path) -> None:
    spec = make_spec(epochs=2, trials=4, finals=None)
    reader, driver = tmp_path / "reader", tmp_path / SWEEP
    reader.mkdir()
    driver.mkdir()

    class Read(Pieces):
        curves = 0

        def append(self, before: Position, lines: bytes) -> None:
            super().append(before, lines)
            fetch_journal(reader, objects)
            self.curves = sum(len(record.curve) for record in read_records(reader))

    pieces = Read(objects)
    records = simulated(spec, driver, replica=pieces)
    assert read_records(reader) == records
    assert pieces.curves == sum(len(record.curve) for record in records) > 4
