"""Protects the services of a head: on loopback alone, with a password that nobody sees, and started once."""

import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from sweeper.cluster.head.database import Database
from sweeper.cluster.head.services import main
from sweeper.cluster.head.tracking_server import TrackingServer
from sweeper.errors import SweeperError

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Run a real PostgreSQL; where we are root it runs as its own user, who cannot reach pytest's folders."""
    if not (PROGRAMS / "initdb").exists():
        pytest.skip(f"no PostgreSQL in {PROGRAMS}")
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        database = Database(Path(folder), PROGRAMS, free_port())
        try:
            database.start()
            yield database
        finally:
            database._ask_server("pg_ctl", "stop", "-m", "immediate", "-D", f"{folder}/database")


def password(database: Database) -> str:
    return Path(database.environment["PGPASSFILE"]).read_text().strip().split(":")[-1]


def test_a_database_is_made_once_and_found_by_a_url_without_a_password(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.start()
    database.create("sweeper")
    monkeypatch.setenv("PGPASSFILE", database.environment["PGPASSFILE"])
    with psycopg.connect(database.url("sweeper")) as connection:
        connection.execute("CREATE TABLE kept (value int)")
    database.start()
    database.create("sweeper")
    with psycopg.connect(database.url("sweeper")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_nobody_gets_in_without_the_password(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", os.devnull)
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(database.url("postgres"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database.url("postgres"), password="guessed")


def test_the_password_is_in_one_file_that_its_owner_reads(database: Database) -> None:
    assert Path(database.environment["PGPASSFILE"]).stat().st_mode & 0o777 == 0o600
    secret = password(database)
    assert len(secret) >= 32
    processes = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
    assert "listen_addresses=127.0.0.1" in processes
    assert secret not in processes
    readable = [path for path in database.folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert [path for path in readable if secret.encode() in path.read_bytes()] == []


def test_it_listens_on_loopback_alone(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSFILE", database.environment["PGPASSFILE"])
    with psycopg.connect(database.url("postgres")) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone() for name in ("listen_addresses", "unix_socket_directories")
        ]
    assert shown == [("127.0.0.1",), ("",)]


def test_a_missing_program_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "services"), "--programs", str(tmp_path), "--artifacts", "s3://b/mlflow"]) == 1
    assert capsys.readouterr().err == f"{tmp_path}/initdb: no such program; PostgreSQL 15 must be installed\n"


def server(folder: Path, port: int) -> TrackingServer:
    url = "postgresql+psycopg://sweeper@127.0.0.1:5432/mlflow"
    return TrackingServer(folder, port, 2, url, "s3://b/mlflow", {"PGPASSFILE": str(folder / "pgpass")})


def test_mlflow_s_command_line_holds_no_secret_and_binds_to_loopback(tmp_path: Path) -> None:
    assert server(tmp_path, 5000).command == [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", "127.0.0.1", "--port", "5000", "--workers", "2"),
        *("--backend-store-uri", "postgresql+psycopg://sweeper@127.0.0.1:5432/mlflow"),
        *("--artifacts-destination", "s3://b/mlflow", "--serve-artifacts"),
    ]


def test_a_server_that_answers_is_left_alone(tmp_path: Path) -> None:
    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as healthy:
        threading.Thread(target=healthy.serve_forever, daemon=True).start()
        server(tmp_path, healthy.server_port).start()
        healthy.shutdown()
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_ends_is_told_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = [sys.executable, "-c", "print('no such database'); raise SystemExit(3)"]
    monkeypatch.setattr(TrackingServer, "command", program)
    with pytest.raises(
        SweeperError, match=rf"^MLflow's server ended with exit code 3; why is in {tmp_path}/mlflow.log$"
    ):
        server(tmp_path, free_port()).start()
    assert (tmp_path / "mlflow.log").read_text() == "no such database\n"
