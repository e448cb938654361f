"""The driver's side of tracking: a process of its own that mirrors the sweep's folder, started and told the end."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Literal, Self

from sweeper.masking import mask
from sweeper.remote.objects import Objects
from sweeper.tracking.lease import WORK, Lease, new_cell
from sweeper.tracking.uri import has_server

Outcome = Literal["finished", "interrupted", "failed"]
"""How a sweep ended."""

URI_VARIABLE = "MLFLOW_TRACKING_URI"
LOG = "tracking.log"
CHECK = 60.0
"""Seconds between looks whether the mirror is alive: one that cannot live costs its start no more often."""

_POLL = 0.05
_COMMAND = (sys.executable, "-P", "-m", "sweeper.tracking")


class Tracking:
    """A mirror that is kept running. The driver never waits for it but at the end, and then only while it gets on."""

    def __init__(self, folder: Path, uri: str, store: Objects | None) -> None:
        self._folder = folder
        self._uri = uri
        self._store = store
        self._cell = new_cell()
        self._lease = Lease(self._cell.fileno())
        try:
            self._mirror = self._begin()
        except OSError:
            self._cell.close()
            raise
        self._over = Event()
        self._keeper = Thread(target=self._keep, name="tracking", daemon=True)
        self._keeper.start()

    @classmethod
    def start(cls, folder: Path, uri: str, store: Objects | None = None) -> Self:
        """Start to mirror the sweep in ``folder`` at ``uri``; what goes wrong there goes into its `tracking.log`.

        Where the folder is the driver's copy of a sweep in ``store``, what it lacks of trials is fetched from there.
        Raises UsageError where ``uri`` is none that MLflow knows.
        """
        has_server(uri)
        return cls(folder, uri, store)

    @property
    def alive(self) -> bool:
        """Whether the mirror is running."""
        return self._mirror.poll() is None

    def finish(self, outcome: Outcome) -> bool:
        """Tell the mirror how the sweep ended, wait while it gets on, and return whether everything is in MLflow.

        One that was killed is started again for the rest; one that does not get on is stopped, and so it is by Ctrl-C.
        Nothing is lost where the answer is false; see `unsent`.
        """
        self._over.set()
        with suppress(KeyboardInterrupt):
            self._keeper.join()
            self._revive()
            self._tell(outcome)
            self._wait()
        with self._cell, self._mirror as mirror:
            mirror.kill()
        return mirror.returncode == 0

    @property
    def unsent(self) -> str:
        """What to say where `finish` has returned false, in one line."""
        return unsent(self._folder, self._uri, f"see {self._folder / LOG}")

    def _begin(self) -> subprocess.Popen[bytes]:
        self._lease.extend(WORK)
        with (self._folder / LOG).open("ab") as log:
            return subprocess.Popen(  # noqa: S603 -- our own module by our own interpreter
                [*_COMMAND, str(self._folder), str(self._cell.fileno()), *self._place],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                bufsize=0,
                pass_fds=[self._cell.fileno()],
                env=_environment(self._uri),
                # Ctrl-C goes to the terminal's foreground group: the mirror outlives it and sends the rest. A session
                # of its own would do as well, but Linux schedules sessions against each other, whatever their nice.
                process_group=0,
            )

    @property
    def _place(self) -> tuple[str, ...]:
        return () if self._store is None else (self._store.url,)

    def _keep(self) -> None:
        while not self._over.wait(CHECK):
            self._revive()

    def _revive(self) -> None:
        """Start the mirror again where it has died."""
        if not self.alive:
            self._mirror.communicate()  # Closes its standard input.
            with suppress(OSError):  # No room for a process, or none in the folder; next time there may be.
                self._mirror = self._begin()

    def _tell(self, outcome: Outcome) -> None:
        if self.alive and self._mirror.stdin is not None:
            with suppress(BrokenPipeError), self._mirror.stdin as mirror:
                mirror.write(f"{outcome}\n".encode())

    def _wait(self) -> None:
        while self._lease.left > 0.0:
            with suppress(subprocess.TimeoutExpired):
                self._mirror.wait(_POLL)
                return


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
