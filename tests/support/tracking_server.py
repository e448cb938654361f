"""A real MLflow tracking server on loopback, killed and brought back as a test wants it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.answering import answers

PATIENCE = 180.0
"""Seconds for it to come up: it imports for seconds, and on a busy machine for a minute."""


class TrackingServer:
    """A `mlflow server` with its artifacts in ``folder``, and its database if no other is given; it keeps its port."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self._folder = folder
        self._database = database or f"sqlite:///{folder / 'mlflow.db'}"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = int(listener.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process_group(self) -> int:
        """The group of the running server and its workers."""
        if self._process is None:
            raise RuntimeError("the tracking server is not running")
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-P", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.port)]
        settings = {"MLFLOW_BACKEND_STORE_URI": self._database, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--workers", "1", "--artifacts-destination", str(self._folder / "artifacts")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | settings | {"MLFLOW_DISABLE_TELEMETRY": "true"},
                process_group=0,
            )
        deadline = time.monotonic() + PATIENCE
        while not answers(self.port, "/health"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "server.log").read_text()[-3000:])
            time.sleep(0.1)

    def kill(self) -> None:
        """End it and its workers as a power cut does."""
        if self._process is not None:
            os.killpg(self.process_group, signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def tracking_server(folder: Path, database: str | None = None) -> Iterator[TrackingServer]:
    """A running server, killed in the end."""
    server = TrackingServer(folder, database)
    try:
        server.start()
        yield server
    finally:
        server.kill()
