"""Protects the copies of a trial's folder: what is fetched is what was pushed, stored once, and no damage passes."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.memory_objects import Cut, MemoryObjects

from sweeper.errors import SweeperError
from sweeper.remote.manifest import MANIFEST
from sweeper.remote.objects import ChangedError
from sweeper.remote.snapshot import TrialCopy
from sweeper.remote.trial_objects import TrialObjects

FILES = {"metrics.jsonl": b"one\n", "last/model.safetensors": b"weights", "best/model.safetensors": b"weights"}


@pytest.fixture
def objects() -> MemoryObjects:
    return MemoryObjects()


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def read(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pushed(objects: MemoryObjects, folder: Path, files: dict[str, bytes]) -> TrialCopy:
    folder.mkdir()
    copy = TrialCopy(objects, folder)
    copy.claim()
    write(folder, files)
    copy.push()
    return copy


def test_what_is_claimed_is_what_was_pushed(objects: MemoryObjects, tmp_path: Path) -> None:
    pushed(objects, tmp_path / "one", FILES)
    assert TrialCopy(objects, tmp_path / "two").claim() == []
    assert read(tmp_path / "two") == FILES


def test_equal_files_are_stored_once_and_linked_where_nobody_appends(objects: MemoryObjects, tmp_path: Path) -> None:
    pushed(objects, tmp_path / "one", FILES | {"again.jsonl": b"one\n"})
    assert len(objects.objects) == len({MANIFEST, b"one\n", b"weights"})
    TrialCopy(objects, tmp_path / "two").claim()
    two = tmp_path / "two"
    assert (two / "best" / "model.safetensors").samefile(two / "last" / "model.safetensors")
    assert not (two / "metrics.jsonl").samefile(two / "again.jsonl")


def test_only_what_is_new_is_sent_and_what_no_file_needs_goes(objects: MemoryObjects, tmp_path: Path) -> None:
    copy = pushed(objects, tmp_path / "one", FILES)
    requests: list[str] = []
    objects.before = requests.append
    copy.push()
    assert requests == ["write"], "by which a writer that was cut off finds out"
    requests.clear()
    write(tmp_path / "one", {"metrics.jsonl": b"one\ntwo\n"})
    copy.push()
    assert requests == ["send", "write", "remove"]
    assert {found.content for found in objects.objects.values()} > {b"one\ntwo\n", b"weights"}
    assert len(objects.objects) == 3


def test_what_is_ignored_or_a_link_is_not_pushed(objects: MemoryObjects, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    copy = TrialCopy(objects, tmp_path / "one", ignored=("*.new", "worker.lock"))
    copy.claim()
    write(tmp_path / "one", FILES | {"worker.lock": b"", "last.1.new/model.safetensors": b"half", "a.2.new": b"half"})
    (tmp_path / "one" / "link").symlink_to("/etc/passwd")
    (tmp_path / "one" / "links").symlink_to("/etc")
    copy.push()
    TrialCopy(objects, tmp_path / "two").claim()
    assert read(tmp_path / "two") == FILES


def test_a_reader_has_the_parts_that_it_asks_for_and_nothing_older(objects: MemoryObjects, tmp_path: Path) -> None:
    copy = pushed(objects, tmp_path / "one", FILES | {"best/epoch-1.safetensors": b"first", "bestow": b"no part"})
    reader = TrialCopy(objects, tmp_path / "two")
    write(tmp_path / "two", {"mine": b"mine"})
    reader.fetch(["best"])
    best = {"best/model.safetensors": b"weights", "best/epoch-1.safetensors": b"first"}
    assert read(tmp_path / "two") == best | {"mine": b"mine"}
    (tmp_path / "one" / "best" / "epoch-1.safetensors").unlink()
    copy.push()
    reader.fetch(["best/", "metrics.jsonl"])
    assert read(tmp_path / "two") == {
        "best/model.safetensors": b"weights",
        "metrics.jsonl": b"one\n",
        "mine": b"mine",
    }


def test_a_trial_that_goes_on_while_it_is_read_is_read_as_it_then_is(objects: MemoryObjects, tmp_path: Path) -> None:
    copy = pushed(objects, tmp_path / "one", FILES)

    class Overtaken(MemoryObjects):
        """Objects of which the first that is fetched is gone by then."""

        pushes = iter([b"two\n"])

        def fetch(self, key: str, path: Path) -> bool:
            for content in self.pushes:
                write(tmp_path / "one", {"metrics.jsonl": content})
                copy.push()
            return super().fetch(key, path)

    TrialCopy(Overtaken(objects.objects), tmp_path / "two").fetch(["metrics.jsonl"])
    assert read(tmp_path / "two") == {"metrics.jsonl": b"two\n"}


class TestDamage:
    """Somebody has removed or changed objects by hand, or a rule of the bucket has."""

    @pytest.fixture
    def damaged(self, objects: MemoryObjects, tmp_path: Path) -> dict[str, str]:
        """The lines that are to tell of it, by the name of the file that is concerned."""
        copy = pushed(objects, tmp_path / "one", FILES | {"config.yaml": b"config"})
        keys = {name: content.key for name, content in copy._stored.files.items()}
        objects.objects[keys["metrics.jsonl"]] = replace(objects.objects[keys["metrics.jsonl"]], content=b"oNe\n")
        del objects.objects[keys["config.yaml"]]
        return {
            "metrics.jsonl": f"memory://test/{keys['metrics.jsonl']}: is damaged (metrics.jsonl)",
            "config.yaml": f"memory://test/{keys['config.yaml']}: is gone (config.yaml)",
        }

    def test_it_is_told_to_a_worker_which_has_all_else(
        self, objects: MemoryObjects, tmp_path: Path, damaged: dict[str, str]
    ) -> None:
        copy = TrialCopy(objects, tmp_path / "two")
        assert sorted(copy.claim()) == sorted(damaged.values())
        whole = {name: content for name, content in FILES.items() if name not in damaged}
        assert read(tmp_path / "two") == whole
        copy.push()
        assert TrialCopy(objects, tmp_path / "three").claim() == [], "what was damaged is named no more"

    @pytest.mark.parametrize("name", ["metrics.jsonl", "config.yaml"])
    def test_it_ends_a_reader_in_one_line(
        self, objects: MemoryObjects, tmp_path: Path, damaged: dict[str, str], name: str
    ) -> None:
        reader = TrialCopy(objects, tmp_path / "two")
        with pytest.raises(SweeperError) as error:
            reader.fetch([name])
        assert str(error.value) == damaged[name]
        assert read(tmp_path / "two") == {}

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"[]",
            b'{"writer": "w", "files": {"../../etc/passwd": {"hash": "%s", "size": 1}}}' % (b"0" * 64),
            b'{"writer": "w", "files": {"/etc/passwd": {"hash": "%s", "size": 1}}}' % (b"0" * 64),
            b'{"writer": "w", "files": {"one": {"hash": "../../mine", "size": 1}}}',
        ],
    )
    def test_a_snapshot_that_leads_elsewhere_or_is_none_is_not_followed(
        self, objects: MemoryObjects, tmp_path: Path, text: bytes
    ) -> None:
        objects.put(MANIFEST, text)
        for work in (TrialCopy(objects, tmp_path / "one").claim, TrialObjects(objects).tidy):
            with pytest.raises(SweeperError, match=r"^memory://test/snapshot\.json: is damaged \(.+\)$"):
                work()
        assert list(objects.keys()) == [MANIFEST]


class TestTwoWriters:
    """A worker was cut off, another one has taken its trial, and the first comes back."""

    def test_the_first_is_refused_and_changes_nothing_of_the_second(
        self, objects: MemoryObjects, tmp_path: Path
    ) -> None:
        first = pushed(objects, tmp_path / "one", FILES)
        second = TrialCopy(objects, tmp_path / "two")
        second.claim()
        write(tmp_path / "one", {"metrics.jsonl": b"one\nthe first's\n"})
        with pytest.raises(ChangedError):
            first.push()
        write(tmp_path / "two", {"metrics.jsonl": b"one\nthe second's\n"})
        second.push()
        with pytest.raises(ChangedError):
            first.push()
        TrialCopy(objects, tmp_path / "three").claim()
        assert read(tmp_path / "three") == FILES | {"metrics.jsonl": b"one\nthe second's\n"}
        assert len(objects.objects) == 3, "what the first has sent in vain is gone"

    def test_of_a_trial_that_was_removed_nothing_is_written_again(self, objects: MemoryObjects, tmp_path: Path) -> None:
        copy = pushed(objects, tmp_path / "one", FILES)
        objects.objects.clear()
        write(tmp_path / "one", {"metrics.jsonl": b"one\ntwo\n"})
        with pytest.raises(ChangedError):
            copy.push()
        assert objects.read(MANIFEST) is None

    def test_one_who_has_claimed_nothing_pushes_nothing(self, objects: MemoryObjects, tmp_path: Path) -> None:
        pushed(objects, tmp_path / "one", FILES)
        write(tmp_path / "two", {"metrics.jsonl": b"two\n"})
        with pytest.raises(ChangedError):
            TrialCopy(objects, tmp_path / "two").push()


class TestFromOutside:
    """What a collector does, with no copy."""

    def test_dropping_a_part_leaves_the_rest_and_refuses_its_writer(
        self, objects: MemoryObjects, tmp_path: Path
    ) -> None:
        copy = pushed(objects, tmp_path / "one", FILES | {"last/state.json": b"state"})
        TrialObjects(objects).drop(["last"])
        TrialCopy(objects, tmp_path / "two").claim()
        assert read(tmp_path / "two") == {name: FILES[name] for name in ("metrics.jsonl", "best/model.safetensors")}
        assert len(objects.objects) == 3
        write(tmp_path / "one", {"last/state.json": b"another"})
        with pytest.raises(ChangedError):
            copy.push()

    def test_what_a_killed_writer_has_left_goes_and_it_is_refused_should_it_live(
        self, objects: MemoryObjects, tmp_path: Path
    ) -> None:
        copy = pushed(objects, tmp_path / "one", FILES)
        requests: list[str] = []
        objects.before = requests.append
        TrialObjects(objects).tidy()
        assert requests == [], "nothing is left of anybody"

        def cut_before_the_snapshot(request: str) -> None:
            if request == "write":
                raise Cut

        write(tmp_path / "one", {"metrics.jsonl": b"one\ntwo\n"})
        objects.before = cut_before_the_snapshot
        with pytest.raises(Cut):
            copy.push()
        objects.before = requests.append
        assert len(objects.objects) == 4
        TrialObjects(objects).tidy()
        assert len(objects.objects) == 3
        with pytest.raises(ChangedError):
            copy.push()

    def test_a_trial_that_is_not_there_is_not_made(self, objects: MemoryObjects) -> None:
        TrialObjects(objects).drop(["last"])
        TrialObjects(objects).tidy()
        assert list(objects.keys()) == []
