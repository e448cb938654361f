"""The driver's side of tracking: a process of its own that mirrors the sweep's folder, started and told the end."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal, Self

from sweeper.tracking.uri import has_server, mask

Outcome = Literal["finished", "interrupted", "failed"]
"""How a sweep ended."""

URI_VARIABLE = "MLFLOW_TRACKING_URI"
LOG = "tracking.log"
TIMEOUT = 60.0
"""Seconds that a sweep's end waits for the last of its results to arrive in MLflow."""


class Tracking:
    """A running mirror. The driver tells it the end and waits for it then; before that it never waits."""

    def __init__(self, folder: Path, uri: str, process: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._uri = uri
        self._process = process

    @classmethod
    def start(cls, folder: Path, uri: str) -> Self:
        """Start to mirror the sweep in ``folder`` at ``uri``; what goes wrong there goes into its `tracking.log`.

        Raises UsageError where ``uri`` is none that MLflow knows.
        """
        has_server(uri)
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 -- our own module by our own interpreter
                [sys.executable, "-P", "-m", "sweeper.tracking", str(folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=_environment(uri),
                # Ctrl-C goes to the terminal's foreground group: the mirror outlives it and sends the rest. A session
                # of its own would do as well, but Linux schedules sessions against each other, whatever their nice.
                process_group=0,
            )
        return cls(folder, uri, process)

    @property
    def alive(self) -> bool:
        """Whether the mirror is running."""
        return self._process.poll() is None

    def finish(self, outcome: Outcome, timeout: float = TIMEOUT) -> bool:
        """Tell the mirror how the sweep ended, wait for it, and return whether everything is in MLflow.

        After ``timeout`` seconds the mirror is stopped. Nothing is lost where the answer is false; see `unsent`.
        """
        with self._process as process:
            try:
                process.communicate(f"{outcome}\n".encode(), timeout)
            except subprocess.TimeoutExpired:
                process.kill()
        return process.returncode == 0

    @property
    def unsent(self) -> str:
        """What to say where `finish` has returned false, in one line."""
        return unsent(self._folder, self._uri, f"see {self._folder / LOG}")


def unsent(folder: Path, uri: str, detail: str) -> str:
    """Return one line that says that MLflow lacks something of the sweep in ``folder``, and how to send it."""
    name = folder.name
    return f"{mask(uri)} lacks results of {name} ({detail}); nothing is lost: 'sweeper sync {name}' sends them"


def _environment(uri: str) -> dict[str, str]:
    """Return the mirror's environment, with the URI in it: a command line would show its password to everyone.

    The driver's import path is handed on as it is; the current folder, which ``python -m`` would search first, is full
    of names of other people's choosing.
    """
    return os.environ | {URI_VARIABLE: uri, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
