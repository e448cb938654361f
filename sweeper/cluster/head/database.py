"""PostgreSQL for one head: a folder of its own, one user, loopback alone."""

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sweeper.errors import SweeperError
from sweeper.files import PRIVATE, write_atomically

_USER = "sweeper"
_HOST = "127.0.0.1"
_SERVER_USER = "postgres"
"""As whom the server runs where we are root, as whom it refuses to run."""
_PATIENCE = 60.0
"""Seconds that one of PostgreSQL's programs may take."""


@dataclass(frozen=True)
class Database:
    """A PostgreSQL server whose data are below a folder.

    Attributes:
        folder: of the data and the password.
        programs: folder of ``initdb``, ``pg_ctl`` and ``psql``.
        port: on loopback.

    """

    folder: Path
    programs: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs besides the URL: the file with the password."""
        return {"PGPASSFILE": str(self._password_file)}

    def url(self, name: str, scheme: str = "postgresql") -> str:
        """Return the URL of a database, which holds no password."""
        return f"{scheme}://{_USER}@{_HOST}:{self.port}/{name}"

    def start(self) -> None:
        """Start the server where it does not run, with new data where there are none.

        Raises:
            SweeperError: it does not start.

        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._data.exists():
            self._initialize()
        if self._ask_server("pg_ctl", "status", "-D", str(self._data)).returncode != 0:
            options = f"-c listen_addresses={_HOST} -c port={self.port} -c unix_socket_directories=''"
            log = str(self._data / "server.log")
            _checked(self._ask_server("pg_ctl", "start", "--wait", "-D", str(self._data), "-l", log, "-o", options))

    def create(self, name: str) -> None:
        """Create a database where there is none of that name."""
        if name not in self._query("SELECT datname FROM pg_database").split():
            self._query(f'CREATE DATABASE "{name}"')

    @property
    def _data(self) -> Path:
        return self.folder / "database"

    @property
    def _password_file(self) -> Path:
        return self.folder / "pgpass"

    def _initialize(self) -> None:
        """Make data and a password; the data get their name when they are whole, and the password is there by then."""
        fresh, handed = self.folder / "database.new", self.folder / "password.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = secrets.token_urlsafe(24)
        write_atomically(self._password_file, f"{_HOST}:*:*:{_USER}:{password}\n".encode(), PRIVATE)
        write_atomically(handed, password.encode(), PRIVATE)
        try:
            self._hand_over(fresh, handed)
            options = ("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", f"--pwfile={handed}")
            _checked(self._ask_server("initdb", "-D", str(fresh), f"--username={_USER}", *options))
        finally:
            handed.unlink()
        fresh.rename(self._data)

    def _hand_over(self, *paths: Path) -> None:
        if self._account:
            for path in paths:
                shutil.chown(path, self._account.pw_uid, self._account.pw_gid)

    @cached_property
    def _account(self) -> pwd.struct_passwd | None:
        return pwd.getpwnam(_SERVER_USER) if os.geteuid() == 0 else None

    def _ask_server(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program as the user that the server runs as."""
        if self._account is None:
            return self._run(program, *arguments)
        return self._run(program, *arguments, user=self._account.pw_uid, group=self._account.pw_gid)

    def _query(self, statement: str) -> str:
        return _checked(self._run("psql", "-tA", "-d", self.url("postgres"), "-c", statement)).stdout

    def _run(
        self, program: str, *arguments: str, user: int | None = None, group: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        path = self.programs / program
        if not path.exists():
            raise SweeperError(f"{path}: no such program; PostgreSQL 15 must be installed")
        return subprocess.run(  # noqa: S603
            (path, *arguments),
            env={**os.environ, **self.environment},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            user=user,
            group=group,
        )


def _checked(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise SweeperError(f"PostgreSQL: {Path(done.args[0]).name} failed ({said[-1]})")
    return done
