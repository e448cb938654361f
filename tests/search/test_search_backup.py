"""Protects the backup of a study: it holds nobody up, is never anything that the study was not, and brings it back."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from replicated import SPEC, SWEEP, Line, Link, Place, begun, make_place
from support.sweeps import simulated
from widened import NOW, changed

from sweeper.errors import SweeperError
from sweeper.execution.widening import widen
from sweeper.search import Report, Sweep
from sweeper.search.backup import BackedUp
from sweeper.search.journal import Position
from sweeper.search.pieces import Pieces
from sweeper.search.postgres import PostgresReplica
from sweeper.search.replica import Replica

PIECE = "study/00000001.journal"


@pytest.fixture(autouse=True)
def _without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.search.follower.EVERY", 0.001)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    return make_place("both", request)


@pytest.fixture
def folder(place: Place, tmp_path: Path) -> Path:
    """The folder of a sweep that has begun."""
    return begun(place, tmp_path)


def journal(folder: Path) -> bytes:
    return (folder / "study.journal").read_bytes()


def lose_database(place: Place) -> None:
    """Leave what a new machine has."""
    with psycopg.connect(place.study_url) as session:
        session.execute("DROP TABLE sweeper_changes, sweeper_journals")


def in_database(place: Place) -> bytes:
    with closing(PostgresReplica(place.study_url, SWEEP)) as replica:
        return replica.load()


def test_the_backup_is_the_study_at_the_end(place: Place, folder: Path) -> None:
    place.run(folder)
    assert Pieces(place.store).load() == in_database(place) == journal(folder)
    assert place.told == []


def test_a_database_that_was_lost_comes_back_from_its_backup(place: Place, folder: Path, tmp_path: Path) -> None:
    before = place.run(folder)
    lose_database(place)
    assert place.run(tmp_path / "elsewhere") == before
    assert in_database(place) == journal(folder)
    lines = journal(folder).count(b"\n")
    database, store = PostgresReplica(place.study_url, SWEEP).place, Pieces(place.store).place
    assert place.told == [f"{database} lacked {lines} of the {lines} lines of the study; restored from {store}"]


def test_a_folder_that_goes_further_than_the_backup_is_gone_on_with(place: Place, folder: Path) -> None:
    """The head is lost with its database, a moment before the backup had all."""
    behind = journal(folder)
    place.run(folder)
    place.store.put(PIECE, behind)
    lose_database(place)
    assert place.run(folder) == Place().run(folder)
    assert in_database(place) == Pieces(place.store).load() == journal(folder)
    assert [line.partition(" of the ")[0].partition(" lacked ")[1:] for line in place.told] == [
        (" lacked ", str(behind.count(b"\n"))),
        (" lacked ", str(journal(folder).count(b"\n") - behind.count(b"\n"))),
    ]


def test_a_backup_that_was_left_behind_is_made_up_for(place: Place, folder: Path) -> None:
    behind = journal(folder)
    place.run(folder)
    place.store.put(PIECE, behind)
    place.run(folder)
    assert Pieces(place.store).load() == journal(folder)


def test_a_backup_follows_a_study_that_is_widened(place: Place, folder: Path) -> None:
    place.run(folder)
    with place.replica() as replica:
        widen(folder, changed(SPEC, "sweep.trials=8"), NOW, replica)
    assert Pieces(place.store).load() == journal(folder)
    assert list(place.store.below("study").keys()) == [PIECE.removeprefix("study/")]


def test_many_changes_share_a_write(place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.search.follower.EVERY", 100)
    first, backup = Counted(PostgresReplica(place.study_url, SWEEP)), Counted(Pieces(place.store))
    replica = BackedUp(first, backup)
    simulated(SPEC, folder, replica=replica)
    replica.close()
    assert first.changes > 20
    assert backup.changes <= 2
    assert Pieces(place.store).load() == journal(folder)


class TestAStoreThatIsAway:
    @pytest.fixture
    def line(self) -> Line:
        return Line()

    @pytest.fixture
    def replica(self, place: Place, folder: Path, line: Line) -> BackedUp:
        """What the driver has, with the backup at the other end of the line; the test closes it."""
        replica = BackedUp(PostgresReplica(place.study_url, SWEEP, place.told.append), Pieces(Link(place.store, line)))
        replica.load()
        return replica

    def test_it_holds_nobody_up_and_what_it_lacks_is_told(
        self, place: Place, folder: Path, line: Line, replica: BackedUp
    ) -> None:
        line.is_cut = True
        assert all(record.finished for record in simulated(SPEC, folder, replica=replica))
        assert line.refused.wait(60)
        replica.close()
        store = Pieces(place.store).place
        assert place.told == [f"{store} lacks the end of the study, which the next resumption adds: {store}: cut off"]
        place.run(folder)
        assert Pieces(place.store).load() == journal(folder)

    def test_it_gets_all_when_it_is_back(self, place: Place, folder: Path, line: Line, replica: BackedUp) -> None:
        line.is_cut = True
        simulated(SPEC, folder, replica=replica)
        assert line.refused.wait(60)
        line.is_cut = False
        replica.close()
        assert place.told == []
        assert Pieces(place.store).load() == journal(folder)

    def test_an_answer_that_is_lost_is_no_other_driver(
        self, place: Place, folder: Path, line: Line, replica: BackedUp
    ) -> None:
        line.loses_answer = True
        simulated(SPEC, folder, replica=replica)
        replica.close()
        assert not line.loses_answer
        assert place.told == []
        assert Pieces(place.store).load() == journal(folder)


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_driver_stops_of_whose_backup_another_goes_on(
    place: Place, folder: Path, tmp_path: Path, is_cut: bool
) -> None:
    """The other one has a database of its own, or none, and began with the backup on another head."""
    line = Line()
    replica = BackedUp(PostgresReplica(place.study_url, SWEEP), Pieces(Link(place.store, line)))
    replica.load()
    line.is_cut = is_cut
    Place(place.store).run(tmp_path / "elsewhere")
    with pytest.raises(SweeperError, match="by another process"):
        drive_until_it_stops(replica, folder, line)
    replica.close()
    assert Pieces(place.store).load() == journal(tmp_path / "elsewhere")


def drive_until_it_stops(replica: BackedUp, folder: Path, line: Line) -> None:
    sweep = Sweep(SPEC, folder, 1, replica)
    number = sweep.next().number
    line.is_cut = False
    for epoch in range(1, 10_000):
        sweep.report(number, Report(epoch, epoch, 5.0, done=False))


@dataclass
class Counted:
    """A replica of which the changes are counted."""

    replica: Replica
    changes: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.replica, name)

    def append(self, before: Position, lines: bytes) -> None:
        self.changes += 1
        self.replica.append(before, lines)
