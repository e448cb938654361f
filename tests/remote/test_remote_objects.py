"""Protects the contract of stores: what is replaced only by who knows it, and who is told where two write at once.

The store in memory, which other tests use, must keep it as the one on the network does.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.memory_objects import MemoryObjects

from sweeper.errors import UsageError
from sweeper.remote.objects import ChangedError, Objects
from sweeper.remote.opening import open_objects


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> Objects:
    if request.param == "memory":
        return MemoryObjects()
    return open_objects(f"{request.getfixturevalue('bucket')}/home")


def test_what_was_put_is_read_and_listed(objects: Objects, tmp_path: Path) -> None:
    objects.put("one", b"1")
    (tmp_path / "two").write_bytes(b"22")
    objects.send("folder/two", tmp_path / "two")
    found = objects.read("folder/two")
    assert found is not None
    assert found.content == b"22"
    assert objects.read("three") is None
    assert set(objects.keys()) == {"one", "folder/two"}
    assert objects.folders() == ["folder"]
    below = objects.below("folder")
    assert list(below.keys()) == ["two"]
    assert below.url == f"{objects.url}/folder"
    assert set(objects.here()) == {"one"}
    assert objects.here()["one"].version == objects.read("one").version  # type: ignore[union-attr]


def test_an_object_is_fetched_over_what_is_there_and_links_of_that_stay(objects: Objects, tmp_path: Path) -> None:
    objects.put("one", b"new")
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").hardlink_to(tmp_path / "file")
    assert objects.fetch("one", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert (tmp_path / "link").read_bytes() == b"old"
    assert not objects.fetch("two", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_what_is_removed_is_gone_and_may_have_been_gone(objects: Objects) -> None:
    objects.put("one", b"1")
    objects.put("two", b"2")
    objects.remove(["one", "three"])
    assert list(objects.keys()) == ["two"]
    objects.remove([])


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda objects: objects.put("one", b"another's"),
        lambda objects: objects.remove(["one"]),
    ],
    ids=["replaced", "removed"],
)
def test_a_write_is_refused_where_the_object_is_not_what_its_writer_knows(
    objects: Objects, meanwhile: Callable[[Objects], None]
) -> None:
    version = objects.write("one", b"first", None)
    version = objects.write("one", b"second", version)
    meanwhile(objects)
    left = objects.read("one")
    with pytest.raises(ChangedError, match=r"home/one|test/one"):
        objects.write("one", b"third", version)
    assert objects.read("one") == left


def test_an_object_that_is_there_is_not_written_anew(objects: Objects) -> None:
    objects.put("one", b"1")
    with pytest.raises(ChangedError):
        objects.write("one", b"2", None)


def test_of_several_writers_at_once_one_is_let_through_each_time(objects: Objects) -> None:
    version = objects.write("one", b"first", None)

    def write(number: int) -> object:
        try:
            return objects.write("one", b"%d after %s" % (number, version.encode()), version)
        except ChangedError:
            return None

    for _ in range(3):
        with ThreadPoolExecutor(6) as pool:
            written = [each for each in pool.map(write, range(6)) if each is not None]
        found = objects.read("one")
        assert found is not None
        assert written == [found.version]
        version = found.version


@pytest.mark.parametrize("url", ["s3:/bucket", "s3://", "s3://Bad_Bucket/x", "gs://bucket", "bucket"])
def test_what_is_no_address_is_told_in_one_line(url: str) -> None:
    with pytest.raises(UsageError, match=r"must be s3://BUCKET or s3://BUCKET/FOLDER") as error:
        open_objects(url)
    assert repr(url) in str(error.value)


def test_a_machine_without_the_clients_library_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "sweeper.remote.s3", raising=False)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(UsageError) as error:
        open_objects("s3://bucket")
    assert str(error.value) == "s3://bucket: boto3 is not installed; must be: pip install 'sweeper[aws]'"
