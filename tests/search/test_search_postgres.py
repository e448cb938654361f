"""Protects a study in PostgreSQL: lost answers, restarts of the server, passwords, and many sweeps in one database."""

import re
import sys
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from cutting_proxy import CuttingProxy, cutting_proxy
from driven import timeless
from replicated import SPEC, SWEEP, Place
from support.postgres import PASSWORD, Postgres
from support.sweeps import simulated

from sweeper.errors import SweeperError, UsageError
from sweeper.search import read_records
from sweeper.search.journal import Position, end_of
from sweeper.search.postgres import PostgresReplica

ANSWERS = range(1, 9)
"""More than any change of the journal takes; the last ones belong to what comes after it."""
SECRETS = (PASSWORD, PASSWORD.replace("%40", "@"))


@pytest.fixture(autouse=True)
def _without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.search.database._FIRST_PAUSE", 0.001)


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[CuttingProxy]:
    with cutting_proxy(postgres.port) as proxy:
        yield proxy


@pytest.fixture
def cut(database: str, postgres: Postgres, proxy: CuttingProxy) -> Iterator[PostgresReplica]:
    """A replica behind the proxy, which has answered already."""
    with closing(PostgresReplica(database.replace(f":{postgres.port}/", f":{proxy.port}/"), SWEEP)) as replica:
        assert replica.load() == b""
        yield replica


def lines(*values: int, after: bytes = b"") -> bytes:
    """Return lines of a journal that goes on from others."""
    content, end = b"", end_of(after, "")
    for value in values:
        line, end = end.then(b'{"value":%d' % value)
        content += line
    return content


def loaded(url: str, sweep: str = SWEEP) -> bytes:
    with closing(PostgresReplica(url, sweep)) as replica:
        return replica.load()


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_change_of_which_the_answer_is_lost_is_written_once(
    cut: PostgresReplica, proxy: CuttingProxy, database: str, answer: int
) -> None:
    first, second = lines(1), lines(2, 3, after=lines(1))
    proxy.lose(answer)
    cut.append(Position(), first)
    cut.append(end_of(first, ""), second)
    cut.append(end_of(first + second, ""), lines(4, after=first + second))
    assert loaded(database) == cut.load() == lines(1, 2, 3, 4)
    assert proxy.lost == 1


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_journal_that_is_replaced_is_the_new_one_whichever_answer_is_lost(
    cut: PostgresReplica, proxy: CuttingProxy, database: str, answer: int
) -> None:
    cut.append(Position(), lines(1, 2))
    proxy.lose(answer)
    cut.replace(lines(7))
    cut.append(end_of(lines(7), ""), lines(8, after=lines(7)))
    assert cut.load() == loaded(database) == lines(7, 8)
    assert cut.load() == lines(7, 8)
    assert proxy.lost == 1


def test_a_sweep_of_which_every_answer_is_lost(
    cut: PostgresReplica, proxy: CuttingProxy, database: str, tmp_path: Path
) -> None:
    class Losing(PostgresReplica):
        def append(self, before: Position, lines: bytes) -> None:
            proxy.lose(1)
            super().append(before, lines)

    cut.__class__ = Losing
    whole = Place().run(tmp_path / "whole")
    (tmp_path / SWEEP).mkdir()
    assert timeless(simulated(SPEC, tmp_path / SWEEP, replica=cut)) == whole
    assert proxy.lost > 20
    assert loaded(database) == (tmp_path / SWEEP / "study.journal").read_bytes()


def test_restarts_of_the_server_are_ridden_out(postgres: Postgres, database: str, tmp_path: Path) -> None:
    class Interrupted(PostgresReplica):
        changes = 0

        def append(self, before: Position, lines: bytes) -> None:
            self.changes += 1
            if self.changes % 8 == 0:
                postgres.restart()
            super().append(before, lines)

    (tmp_path / SWEEP).mkdir()
    with closing(Interrupted(database, SWEEP)) as replica:
        records = timeless(simulated(SPEC, tmp_path / SWEEP, replica=replica))
        assert replica.changes > 20
    assert records == Place().run(tmp_path / "whole")


def test_a_server_that_is_away_is_waited_for(
    postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 14:
            postgres.start()

    with closing(PostgresReplica(database, SWEEP)) as replica:
        replica.append(Position(), lines(1))
        postgres.stop()
        monkeypatch.setattr("time.sleep", wait)
        replica.append(end_of(lines(1), ""), lines(2, after=lines(1)))
        assert replica.load() == lines(1, 2)
    assert len(pauses) == 14
    assert pauses == sorted(pauses)
    assert pauses[-1] == 5


def test_a_server_that_stays_away_ends_the_sweep_which_goes_on_later(
    postgres: Postgres, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeper.search.database.PATIENCE", 0)
    place, folder = Place(study_url=database), tmp_path / SWEEP

    class Stopped(PostgresReplica):
        changes = 0

        def append(self, before: Position, lines: bytes) -> None:
            self.changes += 1
            if self.changes == 12:
                postgres.stop()
            super().append(before, lines)

    folder.mkdir()
    with closing(Stopped(database, SWEEP)) as replica:
        try:
            with pytest.raises(SweeperError, match=r"^postgresql://127.0.0.1:\d+/test_\w+: .*connection") as raised:
                simulated(SPEC, folder, replica=replica)
        finally:
            postgres.start()
    assert "\n" not in str(raised.value)
    assert any(not record.finished for record in read_records(folder))
    assert place.run(folder) == Place().run(tmp_path / "whole")


class TestPasswords:
    """No message, and no traceback, has a password in it, whatever is wrong."""

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ((PASSWORD, f"{PASSWORD}x"), 'password authentication failed for user "sweeper"'),
            (("sweeper:", "nobody:"), 'password authentication failed for user "nobody"'),
            (("127.0.0.1:", "127.0.0.2:"), "Connection refused"),
            (("/test_", "/no_test_"), 'database "no_test_'),
            (("127.0.0.1", "no-such-host.invalid"), "no-such-host.invalid"),
            (("?", "?sslmode=require&"), "server does not support SSL"),
            (("?", "?sslmode=mistaken&"), 'invalid sslmode value: "mistaken"'),
            (("?", f"?sslpassword={PASSWORD}&unheard_of={PASSWORD}&"), "unheard_of"),
        ],
    )
    def test_a_server_that_cannot_be_asked_is_told_at_once(
        self, database: str, change: tuple[str, str], said: str
    ) -> None:
        url = f"{database}?application_name=test".replace(*change)
        with closing(PostgresReplica(url, SWEEP)) as replica, pytest.raises(SweeperError) as raised:
            replica.load()
        assert_told(raised.value, said)

    def test_a_role_that_may_not_write(self, database: str) -> None:
        with psycopg.connect(database) as session:
            session.execute("DROP ROLE IF EXISTS reader")
            session.execute(f"CREATE ROLE reader LOGIN PASSWORD '{SECRETS[1]}'")  # type: ignore[arg-type]
        with closing(PostgresReplica(database.replace("sweeper:", "reader:"), SWEEP)) as replica:
            assert replica.load() == b""
            with pytest.raises(SweeperError) as raised:
                replica.append(Position(), lines(1))
        assert_told(raised.value, "permission denied for schema public")

    @pytest.mark.parametrize("url", ["mysql://a:{}@host/db", "postgresql://a:{}@b@host/db", "postgresql://a:{}", "{}"])
    def test_what_is_no_url_is_not_quoted(self, url: str) -> None:
        with pytest.raises(
            UsageError, match=r"^the study's URL must be postgresql:// and USER@HOST:PORT/DATABASE"
        ) as raised:
            PostgresReplica(url.format(PASSWORD), SWEEP)
        assert_told(raised.value, "")


def assert_told(error: SweeperError, said: str) -> None:
    message = str(error)
    assert said in message
    assert re.fullmatch(r"[ -~]*", message)
    for secret in SECRETS:
        assert secret not in message
        assert secret not in "".join(traceback.format_exception(error))


def test_the_password_may_come_from_the_environment(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRETS[1])
    assert loaded(database.replace(f":{PASSWORD}", "").replace("postgresql://", "postgresql+psycopg2://")) == b""


def test_a_client_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"^postgresql://host/db: psycopg is not installed; must be: pip install '"):
        PostgresReplica("postgresql://host/db", SWEEP)


def test_a_driver_that_is_stuck_in_its_transaction_is_waited_for(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeper.search.database._SESSION", "SET lock_timeout TO '10ms'")
    with closing(PostgresReplica(database, SWEEP)) as replica, psycopg.connect(database) as other:
        replica.append(Position(), lines(1))
        other.execute("SELECT * FROM sweeper_journals FOR UPDATE")
        monkeypatch.setattr("time.sleep", lambda _seconds: other.rollback())
        replica.append(end_of(lines(1), ""), lines(2, after=lines(1)))
        assert replica.load() == lines(1, 2)


def test_sweeps_begin_at_the_same_time_in_an_empty_database(database: str) -> None:
    def begin(number: int) -> bytes:
        with closing(PostgresReplica(database, f"sweep-{number}")) as replica:
            replica.append(Position(), lines(number))
            return replica.load()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(begin, range(8))) == [lines(number) for number in range(8)]


def test_who_reads_makes_nothing(database: str) -> None:
    assert loaded(database) == b""
    with psycopg.connect(database) as session:
        assert session.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_what_is_answered_for_is_on_the_disk_whatever_the_server_is_used_to(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as session:
        session.execute("ALTER ROLE sweeper SET synchronous_commit TO off")
        try:
            with closing(PostgresReplica(database, SWEEP)) as replica:
                replica.load()
                assert replica._database.run(lambda own: own.execute("SHOW synchronous_commit").fetchone()) == ("on",)
        finally:
            session.execute("ALTER ROLE sweeper RESET synchronous_commit")
