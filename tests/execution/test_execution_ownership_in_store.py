"""Protects that a sweep in an object store has one driver: no lock reaches from copy to copy, its note decides."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from support.memory_objects import MemoryObjects

from sweeper.errors import SweeperError
from sweeper.execution import ownership as module
from sweeper.execution.note_places import LOCK_FILE
from sweeper.execution.owner_note import OwnerNote, parse_note, written
from sweeper.execution.ownership import owned
from sweeper.remote.objects import StoreError

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life in milliseconds."""
    monkeypatch.setattr(module, "BEAT", 0.02)


@pytest.fixture
def store() -> MemoryObjects:
    """The objects of a sweep."""
    return MemoryObjects()


@pytest.fixture
def copy(tmp_path: Path) -> Callable[[str], Path]:
    """Makes folders to work on the sweep in, one for each machine."""

    def make(machine: str) -> Path:
        (tmp_path / machine / "first").mkdir(parents=True, exist_ok=True)
        return tmp_path / machine / "first"

    return make


def note_in(store: MemoryObjects) -> OwnerNote:
    found = store.read(LOCK_FILE)
    assert found is not None
    note = parse_note(found.content)
    assert note is not None
    return note


def write(store: MemoryObjects, note: OwnerNote) -> None:
    store.put(LOCK_FILE, written(note))


def wait_for(condition: Callable[[], bool]) -> None:
    pause = Event()
    assert any(condition() or pause.wait(0.01) for _ in range(int(PATIENCE / 0.01)))


def refusal(check: Callable[[], None]) -> str:
    """Return what a check says at last."""
    said: list[str] = []

    def is_refused() -> bool:
        try:
            check()
        except SweeperError as error:
            said.append(str(error))
        return bool(said)

    wait_for(is_refused)
    return said[0]


def test_the_note_is_where_every_machine_finds_it_and_says_when_its_driver_has_left(
    store: MemoryObjects, copy: Callable[[str], Path]
) -> None:
    with owned(copy("a"), store) as ownership:
        assert ownership.took_over is None
        assert not note_in(store).left
        wait_for(lambda: note_in(store).beats > 2)
        ownership.check()
    assert note_in(store).left
    with owned(copy("b"), store) as ownership:
        assert ownership.took_over is None


def test_a_driver_elsewhere_that_lives_is_not_disturbed(store: MemoryObjects, copy: Callable[[str], Path]) -> None:
    with owned(copy("a"), store) as first:
        line = r"^sweep first is being run by process \d+ on host \S+ \(of .*\); wait for it, or end it$"
        with pytest.raises(SweeperError, match=line), owned(copy("b"), store):
            pass
        first.check()


def test_a_second_driver_in_the_same_copy_is_refused_without_a_request(
    store: MemoryObjects, copy: Callable[[str], Path]
) -> None:
    nothing = MemoryObjects()
    with owned(copy("a"), store), pytest.raises(SweeperError, match="is being run by"), owned(copy("a"), nothing):
        pass
    assert nothing.objects == {}


def test_of_a_driver_elsewhere_that_died_the_sweep_is_taken_over_and_told_so(
    store: MemoryObjects, copy: Callable[[str], Path]
) -> None:
    write(store, replace(OwnerNote.of_this_process(), machine="another", host="b", pid=4711))
    with owned(copy("a"), store) as ownership:
        assert ownership.took_over is not None
        assert ownership.took_over.startswith("sweep first is taken over from process 4711 on host b, which died after")


def test_what_died_in_this_very_copy_is_not_watched(
    store: MemoryObjects, copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    died = OwnerNote.of_this_process()
    (copy("a") / LOCK_FILE).write_bytes(written(died))
    write(store, died)
    monkeypatch.setattr(module.time, "sleep", lambda seconds: pytest.fail("watched"))
    with owned(copy("a"), store) as ownership:
        assert ownership.took_over is not None


def test_what_runs_on_this_machine_in_another_copy_is_watched(
    store: MemoryObjects, copy: Callable[[str], Path]
) -> None:
    """Containers share a kernel, and see neither each other's processes nor each other's locks."""
    with owned(copy("a"), store), pytest.raises(SweeperError, match="is being run by"), owned(copy("b"), store):
        pass


def test_of_two_that_take_over_at_once_one_is_refused(
    store: MemoryObjects, copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    quicker = replace(OwnerNote.of_this_process(), host="b", pid=7)
    before = module.OwnerNote.of_this_process

    def be_overtaken() -> OwnerNote:
        write(store, quicker)
        return before()

    monkeypatch.setattr(module.OwnerNote, "of_this_process", be_overtaken)
    with pytest.raises(SweeperError, match="is being run by process 7 on host b"), owned(copy("a"), store):
        pass
    assert note_in(store) == quicker


def test_a_driver_that_was_cut_off_finds_out_and_leaves_the_other_ones_note_alone(
    store: MemoryObjects, copy: Callable[[str], Path]
) -> None:
    taken = replace(OwnerNote.of_this_process(), token="of another", host="b", pid=7)
    with owned(copy("a"), store) as ownership:
        write(store, taken)
        line = "sweep first was taken over by process 7 on host b; nothing more is written from here"
        assert refusal(ownership.check) == line
    assert note_in(store) == taken


def test_a_sweep_that_is_removed_from_the_store_does_not_come_back(
    store: MemoryObjects, copy: Callable[[str], Path]
) -> None:
    with owned(copy("a"), store) as ownership:
        store.remove([LOCK_FILE])
        assert refusal(ownership.check) == f"{store.url}: is gone; nothing more is written from here"
    assert store.read(LOCK_FILE) is None


def test_a_store_that_is_away_ends_nothing_and_is_told_again_when_it_is_back(
    store: MemoryObjects, copy: Callable[[str], Path]
) -> None:
    refused = Event()

    def refuse(request: str) -> None:
        refused.set()
        raise StoreError(f"{request}: away")

    with owned(copy("a"), store) as ownership:
        store.before = refuse
        assert refused.wait(PATIENCE)
        beats = note_in(store).beats
        ownership.check()
        store.before = lambda request: None
        wait_for(lambda: note_in(store).beats > beats)
        ownership.check()
    assert note_in(store).left


def test_a_note_that_arrived_without_an_answer_is_our_own(store: MemoryObjects, copy: Callable[[str], Path]) -> None:
    with owned(copy("a"), store) as ownership:
        write(store, note_in(store).beat())  # As if the store had taken it and not said so: another version, our token.
        beats = note_in(store).beats
        wait_for(lambda: note_in(store).beats > beats + 1)
        ownership.check()


@pytest.mark.parametrize("content", [b"{", b"null", b"\xff\xfe", b'{"token": 1}'])
def test_a_note_that_nobody_can_read_is_watched_and_taken_over(
    store: MemoryObjects, copy: Callable[[str], Path], content: bytes
) -> None:
    store.put(LOCK_FILE, content)
    with owned(copy("a"), store) as ownership:
        assert ownership.took_over == "sweep first is taken over from an unknown process, which died"


def test_check_asks_the_store_nothing(
    store: MemoryObjects, copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", PATIENCE)
    with owned(copy("a"), store) as ownership:

        def refuse(_objects: Any, key: str) -> None:
            pytest.fail(f"asked for {key}")

        with monkeypatch.context() as watched:
            watched.setattr(MemoryObjects, "read", refuse)
            for _ in range(100):
                ownership.check()
    assert json.loads((copy("a") / LOCK_FILE).read_bytes())["left"] is True
