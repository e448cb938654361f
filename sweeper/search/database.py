"""A connection to PostgreSQL that outlives a restart of the server, and shows no password."""

import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import unquote

from sweeper.errors import SweeperError, UsageError
from sweeper.spec.study import ALLOWED, parse_study_url

if TYPE_CHECKING:
    from psycopg import Connection

    Session: TypeAlias = Connection[tuple[Any, ...]]

Result = TypeVar("Result")

PATIENCE = 60.0
"""Seconds for which a server that has answered before may be away."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_PREFERRED = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "sweeper",
}
"""What a URL may say otherwise. Without it a link that is cut would be waited on for hours."""

_SESSION = """
SET synchronous_commit TO on;
SET lock_timeout TO '10s';
SET idle_in_transaction_session_timeout TO '20s'
"""
"""What every session begins with. A driver whose link is cut in a transaction keeps nobody waiting for ever."""


class Database:
    """One session at a time, opened when it is needed."""

    def __init__(self, url: str) -> None:
        """Take a URL; raise UsageError, which does not quote it, where it is none, or the client is not installed."""
        parsed = parse_study_url(url)
        if parsed is None:
            raise UsageError(f"the study's URL {ALLOWED}")
        if find_spec("psycopg") is None:
            raise UsageError(f"{parsed.place}: psycopg is not installed; must be: pip install 'sweeper[postgres]'")
        self.place = parsed.place
        self._url = parsed.url
        self._secrets = {form for secret in parsed.secrets for form in (secret, unquote(secret))}
        self._session: Session | None = None
        self._has_answered = False

    def run(self, work: Callable[["Session"], Result]) -> Result:
        """Return what ``work`` does, which is done again where the connection was lost: it may have been done before.

        Raises SweeperError where the server refuses, is away for too long, or was never there.
        """
        import psycopg

        deadline, pause = time.monotonic() + PATIENCE, _FIRST_PAUSE
        while True:
            try:
                result = work(self._open())
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                self.close()
                if not self._has_answered or time.monotonic() > deadline:
                    raise self._described(error) from None
            except psycopg.Error as error:
                self.close()
                raise self._described(error) from None
            else:
                self._has_answered = True
                return result
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            with suppress(Exception):
                self._session.close()
            self._session = None

    def _open(self) -> "Session":
        """Return the session, in which what is answered for is on the server's disk."""
        import psycopg
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        if self._session is None:
            wanted = make_conninfo("", **(_PREFERRED | conninfo_to_dict(self._url)))
            self._session = psycopg.connect(wanted, autocommit=True, prepare_threshold=None)
            self._session.execute(_SESSION)
        return self._session

    def _described(self, error: Exception) -> SweeperError:
        text = " ".join(str(error).split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return SweeperError(f"{self.place}: {text or type(error).__name__}")
