"""Protects the journal in a second place: what was decided is there whoever dies, and nobody decides against it.

One suite for every place: the folder alone, pieces in an object store, PostgreSQL, and PostgreSQL with a backup.
"""

import shutil
from pathlib import Path

import psycopg
import pytest
from driven import timeless
from replicated import PLACES, SPEC, SWEEP, Dying, Killed, Place, begun, make_place
from support.sweeps import simulated
from widened import NOW, changed

from sweeper.errors import SweeperError
from sweeper.execution.widening import widen
from sweeper.search import Report, Sweep, TrialRecord, read_records

WIDE = changed(SPEC, "model.latent_dim={choice: [2, 4, 8, 16]}", "sweep.trials=8")
REMOTE = PLACES[1:]


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    return make_place(request.param, request)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[TrialRecord]:
    """The trials of a sweep that nothing interrupted, in its folder alone."""
    return Place().run(tmp_path_factory.mktemp("whole"))


def of_all_places(test):
    return pytest.mark.parametrize("place", PLACES, indirect=True)(test)


def of_all_remote_places(test):
    return pytest.mark.parametrize("place", REMOTE, indirect=True)(test)


def journal(folder: Path) -> bytes:
    return (folder / "study.journal").read_bytes()


def copied(folder: Path, to: Path) -> Path:
    """Copy a sweep's folder, as another machine would have it."""
    return Path(shutil.copytree(folder, to))


def killed(place: Place, folder: Path, changes: int, *, is_written: bool) -> bool:
    """Drive the sweep until so many changes are written; return whether it was killed before its end."""
    with place.replica() as replica:
        try:
            simulated(SPEC, folder, replica=Dying(replica, changes, is_written))
        except Killed:
            return True
    return False


@of_all_remote_places
def test_the_folder_is_a_copy_of_the_place(place: Place, tmp_path: Path, whole: list[TrialRecord]) -> None:
    assert place.run(tmp_path / SWEEP) == whole
    assert place.load() == journal(tmp_path / SWEEP)
    assert place.told == []


@of_all_remote_places
def test_another_machine_goes_on_with_what_is_there(place: Place, tmp_path: Path, whole: list[TrialRecord]) -> None:
    place.run(tmp_path / SWEEP)
    before = place.load()
    assert place.run(tmp_path / "elsewhere") == whole
    assert journal(tmp_path / "elsewhere") == place.load() == before


@pytest.mark.parametrize("is_written", [False, True], ids=["before it is there", "before it is in the file"])
@of_all_remote_places
def test_killed_at_any_change(place: Place, tmp_path: Path, whole: list[TrialRecord], is_written: bool) -> None:
    folder, kills = tmp_path / SWEEP, 0
    folder.mkdir()
    while killed(place, folder, changes=3, is_written=is_written):
        kills += 1
        if kills % 3 == 0:
            (folder / "study.journal").unlink()  # The machine was lost with its disk.
    assert kills > 5
    assert timeless(read_records(folder)) == whole
    assert place.load() == journal(folder)


@pytest.mark.parametrize("is_written", [False, True], ids=["before it is there", "before it is in the file"])
@of_all_remote_places
def test_killed_while_it_is_widened(place: Place, tmp_path: Path, is_written: bool) -> None:
    folder = begun(place, tmp_path)
    before = place.run(folder)
    with pytest.raises(Killed), place.replica() as replica:
        widen(folder, WIDE, NOW, Dying(replica, 0, is_written))
    with place.replica() as replica:
        assert len(widen(folder, WIDE, NOW, replica)) == (0 if is_written else 2)
    after = place.run(folder, WIDE)
    assert timeless(after)[: len(before)] == before
    assert place.load() == journal(folder)
    assert place.run(tmp_path / "elsewhere", WIDE) == after


@of_all_places
def test_a_driver_that_another_has_overtaken_writes_nothing(place: Place, tmp_path: Path) -> None:
    folder = begun(place, tmp_path)
    with place.replica() as mine, place.replica() as other:
        sweep = Sweep(SPEC, folder, 1, mine)
        number = sweep.next().number
        elsewhere = folder if mine is None else copied(folder, tmp_path / "elsewhere")
        Sweep(SPEC, elsewhere, 1, other).report(number, Report(1, 100, 7.0, done=False))
        decided = place.load() or journal(folder)
        with pytest.raises(SweeperError, match="by another process"):
            sweep.report(number, Report(1, 100, 5.0, done=False))
    assert [record.curve for record in read_records(elsewhere)] == [((100, 7.0),)]
    assert (place.load() or journal(folder)) == decided


@of_all_remote_places
def test_a_driver_whose_sweep_another_has_widened_writes_nothing(place: Place, tmp_path: Path) -> None:
    folder = begun(place, tmp_path)
    with place.replica() as mine, place.replica() as other:
        sweep = Sweep(SPEC, folder, 1, mine)
        number = sweep.next().number
        elsewhere = copied(folder, tmp_path / "elsewhere")
        widen(elsewhere, WIDE, NOW, other)
        with pytest.raises(SweeperError, match="by another process"):
            sweep.report(number, Report(1, 100, 5.0, done=False))
        with pytest.raises(SweeperError, match="by another process"):
            mine.replace(b"")
    assert place.load() == journal(elsewhere)


@of_all_remote_places
def test_a_folder_that_gets_a_place_later_is_taken_there(place: Place, tmp_path: Path, whole) -> None:
    folder = begun(Place(), tmp_path)
    assert place.run(folder) == Place().run(folder) == whole
    lines = journal(folder).count(b"\n")
    assert len(place.told) == 1
    assert place.told[0].endswith(f" lacked 2 of the 2 lines of {folder}/study.journal; written there")
    assert lines > 2
    assert place.load() == journal(folder)


@of_all_remote_places
def test_a_sweep_that_has_begun_moves_to_a_place(place: Place, tmp_path: Path, whole) -> None:
    folder = begun(Place(), tmp_path)
    Sweep(SPEC, folder, 1).next()
    moved = changed(SPEC, "sweep.study=postgresql://host/db")
    with place.replica() as replica:
        changes = widen(folder, moved, NOW, replica)
    assert [str(change) for change in changes] == ['sweep.study: nothing -> "postgresql://host/db"']
    assert len(place.told) == 1
    assert place.run(folder, moved) == whole
    assert place.load() == journal(folder)


@of_all_remote_places
def test_what_was_decided_without_the_place_is_taken_there(place: Place, tmp_path: Path, whole) -> None:
    """Somebody has gone on without naming it: its trials are real, and nothing contradicts them."""
    folder = begun(place, tmp_path)
    known = journal(folder)
    Place().run(folder)
    with (folder / "study.journal").open("ab") as file:
        file.write(b'{"op_code":6,"wor')
    assert place.run(folder) == whole
    assert place.load() == journal(folder)
    lines, before = journal(folder).count(b"\n"), known.count(b"\n")
    assert place.told[0].endswith(
        f" lacked {lines - before} of the {lines} lines of {folder}/study.journal; written there"
    )


@of_all_remote_places
def test_a_file_that_contradicts_is_kept_beside_that_of_the_place(place: Place, tmp_path: Path, whole) -> None:
    folder = begun(place, tmp_path)
    stale = copied(folder, tmp_path / "stale")
    Sweep(SPEC, stale, 1).next()
    contradicting = journal(stale)
    place.run(folder)
    assert place.run(stale) == whole
    assert journal(stale) == journal(folder)
    assert (stale / "study.journal.1").read_bytes() == contradicting
    assert place.told == []


@pytest.mark.parametrize("place", ["pieces", "postgres"], indirect=True)
def test_a_damaged_place_is_told_and_the_file_is_let_alone(place: Place, tmp_path: Path) -> None:
    folder = begun(place, tmp_path)
    before = journal(folder)
    damaged = before.replace(b"1", b"2", 1)
    if place.study_url is None:
        place.store.put("study/00000001.journal", damaged)
    else:
        with psycopg.connect(place.study_url) as session:
            session.execute("UPDATE sweeper_changes SET content = %s WHERE first_line = 0", (damaged,))
    with place.replica() as replica, pytest.raises(SweeperError) as raised:
        Sweep(SPEC, folder, 1, replica)
    assert str(raised.value) == f"{replica.place}: damaged: line 1 does not fit those before it"
    assert journal(folder) == before
