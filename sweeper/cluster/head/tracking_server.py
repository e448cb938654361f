"""An MLflow server for one head, on loopback: its runs in the head's PostgreSQL, its artifacts in the object store."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from sweeper.errors import SweeperError

_HOST = "127.0.0.1"
_PATIENCE = 180.0
"""Seconds until the server must answer; on two cores it takes about 20."""
_PAUSE = 0.5


@dataclass(frozen=True)
class TrackingServer:
    """A server that outlives whoever starts it.

    Attributes:
        folder: of its log.
        port: on loopback.
        workers: processes that answer.
        database: URL of the database with its runs, without a password.
        artifacts: where it puts artifacts, such as ``s3://bucket/mlflow``; clients need no right there.
        environment: what the database's library needs besides the URL.

    """

    folder: Path
    port: int
    workers: int
    database: str
    artifacts: str
    environment: Mapping[str, str]

    @property
    def command(self) -> list[str]:
        """The command line, which holds no secret."""
        return [
            *(sys.executable, "-m", "mlflow", "server"),
            *("--host", _HOST, "--port", str(self.port), "--workers", str(self.workers)),
            *("--backend-store-uri", self.database),
            *("--artifacts-destination", self.artifacts, "--serve-artifacts"),
        ]

    def start(self) -> None:
        """Start the server where none answers, and wait until it does.

        Raises:
            SweeperError: it ends, or does not answer in time.

        """
        if self._answers():
            return
        process = self._spawn()
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            if process.poll() is not None:
                raise SweeperError(f"MLflow's server ended with exit code {process.returncode}; why is in {self._log}")
            if time.monotonic() > deadline:
                raise SweeperError(f"MLflow's server has not answered for {_PATIENCE:g} s; why is in {self._log}")
            time.sleep(_PAUSE)

    @property
    def _log(self) -> Path:
        return self.folder / "mlflow.log"

    def _spawn(self) -> "subprocess.Popen[bytes]":
        """Start it in a session of its own, without MLflow's job runner, which would double its memory."""
        environment = {**os.environ, **self.environment, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                self.command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        connection = HTTPConnection(_HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
