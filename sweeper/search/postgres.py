"""The journal in PostgreSQL: a row for each change, and a row that says where the journal ends.

A change moves the end from where its writer knows it and adds its row, in one statement: of two writers that go on from
the same journal, the slower one finds the end elsewhere.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from sweeper.errors import SweeperError
from sweeper.search.database import Database
from sweeper.search.journal import Position, end_of
from sweeper.search.replica import Tell, tell_nobody

if TYPE_CHECKING:
    from collections.abc import Callable

    from sweeper.search.database import Session

    Values: TypeAlias = dict[str, Any]
    Writing: TypeAlias = Callable[[Session, Values], bool]

_THERE = "SELECT to_regclass('sweeper_changes') IS NOT NULL"
_TABLES = """
SELECT pg_advisory_xact_lock(hashtext('sweeper_changes'));
CREATE TABLE IF NOT EXISTS sweeper_journals (
    sweep text PRIMARY KEY,
    lines bigint NOT NULL,
    checksum bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS sweeper_changes (
    sweep text NOT NULL REFERENCES sweeper_journals,
    first_line bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (sweep, first_line)
)"""
_BEGIN = "INSERT INTO sweeper_journals VALUES (%s, 0, 0) ON CONFLICT DO NOTHING"
_LOAD = "SELECT content FROM sweeper_changes WHERE sweep = %s ORDER BY first_line"
_MOVE = """
UPDATE sweeper_journals SET lines = %(lines)s, checksum = %(checksum)s
WHERE sweep = %(sweep)s AND lines = %(lines_before)s AND checksum = %(checksum_before)s"""
_INSERT = "INSERT INTO sweeper_changes VALUES (%(sweep)s, %(first_line)s, %(content)s)"
_APPEND = f"""
WITH moved AS ({_MOVE} RETURNING sweep)
INSERT INTO sweeper_changes SELECT sweep, %(first_line)s, %(content)s FROM moved"""  # noqa: S608 - its parts are constants
_CLEAR = "DELETE FROM sweeper_changes WHERE sweep = %(sweep)s"
_OWN = """
SELECT content = %(content)s FROM sweeper_changes WHERE sweep = %(sweep)s AND first_line = %(first_line)s"""


class PostgresReplica:
    """A `Replica` in a database, where each sweep has a name of its own."""

    def __init__(self, url: str, sweep: str, tell: Tell = tell_nobody) -> None:
        """Take the URL of a database; raise UsageError where it is none of PostgreSQL's. Nothing is asked yet."""
        self.tell = tell
        self._database = Database(url)
        self._sweep = sweep
        self._end = Position()

    @property
    def place(self) -> str:
        """Where it is."""
        return self._database.place

    def load(self) -> bytes:
        """Return the whole journal."""
        content = self._database.run(self._read)
        self._end = end_of(content, self.place)
        return content

    def append(self, before: Position, lines: bytes) -> None:
        """Write a change with one statement."""
        self._write(before, lines, before, _append)

    def replace(self, content: bytes) -> None:
        """Put another journal in the place of all changes, in one transaction."""
        self._write(self._end, content, Position(), _replace)

    def close(self) -> None:
        """End the session."""
        self._database.close()

    def _read(self, session: "Session") -> bytes:
        if not _answer(session, _THERE):
            return b""
        return b"".join(content for (content,) in session.execute(_LOAD, (self._sweep,), binary=True))

    def _write(self, before: Position, content: bytes, first: Position, writing: "Writing") -> None:
        """Write lines that stand at ``first``, and with which the journal ends that ended at ``before``."""
        after = end_of(content, self.place, first)
        values = {
            "sweep": self._sweep,
            "content": content,
            "first_line": first.lines,
            "lines_before": before.lines,
            "checksum_before": before.checksum,
            "lines": after.lines,
            "checksum": after.checksum,
        }
        if before == Position():
            self._database.run(self._begin)
        if not self._database.run(lambda session: writing(session, values) or bool(_answer(session, _OWN, values))):
            raise SweeperError(f"{self.place}: sweep {self._sweep} was gone on with by another process; this one stops")
        self._end = after

    def _begin(self, session: "Session") -> None:
        with session.transaction():
            if not _answer(session, _THERE):
                session.execute(_TABLES)
            session.execute(_BEGIN, (self._sweep,))


def _append(session: "Session", values: "Values") -> bool:
    return session.execute(_APPEND, values).rowcount == 1


def _replace(session: "Session", values: "Values") -> bool:
    with session.transaction():
        moved = session.execute(_MOVE, values).rowcount == 1
        if moved:
            session.execute(_CLEAR, values)
            session.execute(_INSERT, values)
    return moved


def _answer(session: "Session", question: str, values: Any = None) -> Any:
    """Return the one value that the server answers with, ``None`` where it has none."""
    row = session.execute(question, values).fetchone()
    return None if row is None else row[0]
