"""The mirror: makes MLflow say what a sweep's folder says. The folder is the truth; nothing is ever read back."""

import logging
import textwrap
import traceback
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

from sweeper.errors import SweeperError
from sweeper.locking import HeldError, locked
from sweeper.masking import mask
from sweeper.remote.objects import Objects
from sweeper.search import read_records
from sweeper.tracking.files import Files, InStore, OnDisk
from sweeper.tracking.process import Outcome, unsent
from sweeper.tracking.session import Connect, Session
from sweeper.tracking.store import connect as connect_mlflow

LOCK = "tracking.lock"
LONGEST_PROBLEM = 200

_logger = logging.getLogger(__name__)
_logger.addHandler(logging.NullHandler())  # Where there is no log, Python would print it: `problem` says it in a line.


class Mirror:
    """Sends one sweep to MLflow, and tolerates that MLflow is away. One at a time may have a sweep's folder.

    An answer that did not come leaves open what has arrived, so after any failure the mirror forgets what it knows
    and asks MLflow again: that is also all it does after it was killed, and why nothing is ever there twice.
    """

    def __init__(
        self,
        folder: Path,
        uri: str,
        commit: str | None = None,
        connect: Connect = connect_mlflow,
        files: Files | None = None,
    ) -> None:
        """Mirror the sweep in ``folder`` at ``uri``; ``files`` says where its files are, if not all in there."""
        self.folder = folder
        self.uri = uri
        self.problem: str | None = None
        """Why the last synchronisation failed, in one line without secrets."""
        self.held = False
        """Whether that was since another process has the sweep's folder: the mirror of a driver that was killed."""
        self._origin = {} if commit is None else {"mlflow.source.git.commit": commit}
        self._connect = connect
        self._files = OnDisk(folder) if files is None else files
        self._session: Session | None = None
        self._synchronised: datetime | None = None
        self._lock = ExitStack()
        self._locked = False

    def close(self) -> None:
        """Let another process have the sweep's folder."""
        self._lock.close()

    def synchronise(self, outcome: Outcome | None = None) -> bool:
        """Send what is on disk and not in MLflow; return whether everything is there now.

        ``outcome`` says how the sweep ended; ``None`` that its driver is at work. What goes wrong is logged and kept
        in `problem`, so that the caller has only to call again.
        """
        began = datetime.now()
        try:
            self._hold_lock()
            if self._session is None:
                self._session = Session(self.folder, self.uri, self._origin, self._connect, self._files)
            self._session.send(outcome)
        except Exception as error:
            self._session = None
            self._note(error)
            return False
        self.problem, self.held, self._synchronised = None, False, began
        return True

    def lacking(self) -> str:
        """Return one line that says what MLflow does not have, why, and which command sends it."""
        since = f" since {self._synchronised:%H:%M:%S}" if self._synchronised else ""
        return unsent(self.folder, self.uri, f"nothing{since}: {self.problem}")

    def _hold_lock(self) -> None:
        if not self._locked:
            try:
                self._lock.enter_context(locked(self.folder / LOCK, wait=False))
            except HeldError as error:
                raise HeldError(f"{error}, which is sending this sweep to MLflow") from None
            self._locked = True

    def _note(self, error: Exception) -> None:
        self.held = isinstance(error, HeldError)
        problem = textwrap.shorten(mask(f"{type(error).__name__}: {error}"), LONGEST_PROBLEM)
        if problem != self.problem:  # An outage is one event, however often it is met.
            _logger.warning("not synchronised; will be tried again: %s", mask(traceback.format_exc()))
        self.problem = problem


def sync(folder: Path, uri: str, store: Objects | None = None) -> None:
    """Send the whole sweep in ``folder``, a copy of that in ``store`` if there is one, without a driver.

    Raises SweeperError where that fails, and where the sweep's own process is sending it.
    """
    with closing(Mirror(folder, uri, files=None if store is None else InStore(folder, store))) as mirror:
        if not mirror.synchronise(_outcome(folder)):
            raise SweeperError(mirror.lacking())


def _outcome(folder: Path) -> Outcome:
    """Return how a sweep without a driver ended, as far as its trials tell: one that runs or waits was interrupted."""
    return "finished" if all(record.finished for record in read_records(folder)) else "interrupted"
