"""A real PostgreSQL on loopback, stopped and brought back as a test wants it."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

PASSWORD = "Geheim-%40-7"
"""The password as a URL has it: with a letter that must be written otherwise there."""
USER = "sweeper"
ACCOUNT = "postgres"
"""Who runs the server where the tests run as root, which it refuses."""


class Postgres:
    """A server with its data in ``folder``; it keeps its port."""

    def __init__(self, programs: Path, folder: Path, *, is_durable: bool) -> None:
        self._programs = programs
        self._folder = folder
        self._durability = "on" if is_durable else "off"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = int(listener.getsockname()[1])

    def url(self, database: str = "postgres", *, password: str | None = PASSWORD, scheme: str = "postgresql") -> str:
        secret = "" if password is None else f":{password}"
        return f"{scheme}://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make its data, and start it."""
        secret = self._folder / "password"
        secret.write_text(PASSWORD.replace("%40", "@"))
        if os.geteuid() == 0:
            shutil.chown(self._folder, ACCOUNT, ACCOUNT)
            shutil.chown(secret, ACCOUNT, ACCOUNT)
        self._run("initdb", "-U", USER, "--auth", "scram-sha-256", f"--pwfile={secret}", "--no-sync", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        place = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._run(
            "pg_ctl",
            "start",
            "-w",
            "-o",
            f"{place} -c fsync={self._durability}",
            "-l",
            str(self._folder / "server.log"),
        )

    def stop(self) -> None:
        """End every session and the server, as a power cut does."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-w")

    def restart(self) -> None:
        """Stop it and start it again: every session is ended."""
        self._run("pg_ctl", "restart", "-m", "fast", "-w")

    @contextmanager
    def new_database(self) -> Iterator[str]:
        """The URL of an empty database, which is gone afterwards."""
        name = f"test_{uuid4().hex}"
        self._ask(f"CREATE DATABASE {name}")
        yield self.url(name)
        self._ask(f"DROP DATABASE {name} WITH (FORCE)")

    def _ask(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url(), autocommit=True) as session:
            session.execute(statement.encode())

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._programs / program), "-D", str(self._folder / "data"), *words]
        if os.geteuid() == 0:
            command = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", *command]
        log = self._folder / "programs.log"
        with log.open("ab") as output:
            ended = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False
            )
        if ended.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {log.read_text()[-3000:]}")


@contextmanager
def postgres_server(*, is_durable: bool = False) -> Iterator[Postgres]:
    """A running server, which skips the test with a reason where there is none on this machine.

    It outlives the death of all its processes, and a loss of power only if it is durable.
    """
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL here (initdb and pg_ctl, as from Debian's package postgresql)")
    # Not below pytest's folders, which nobody but the tests' own user may enter.
    with TemporaryDirectory(prefix="sweeper-postgres-") as folder:
        server = Postgres(programs, Path(folder), is_durable=is_durable)
        server.create()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of this process; who stops it starts it again."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database."""
    with postgres.new_database() as url:
        yield url


def _programs() -> Path | None:
    """Return the folder with the server's programs: Debian keeps those of each version apart, out of the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)
