"""``python -m sweeper.tracking FOLDER CELL [STORE]``: the mirror; the URI is in ``MLFLOW_TRACKING_URI``."""

import logging
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from sweeper.commit import built_from, commit_of
from sweeper.masking import mask
from sweeper.remote.opening import open_objects
from sweeper.tracking.files import InStore
from sweeper.tracking.follow import Driver, follow
from sweeper.tracking.lease import ANSWER, FIRST_ANSWER, WORK, Lease, Leasing
from sweeper.tracking.mirror import Mirror
from sweeper.tracking.process import URI_VARIABLE
from sweeper.tracking.store import connect
from sweeper.tracking.uri import has_server

NICENESS = 10
"""On a machine with few cores training comes first: of a core that is wanted by both, this leaves it nine tenths."""

# MLflow's client uses pandas where there is some and does without where there is none, as in its skinny edition. Here
# there is none: importing it takes 1.2 s of computing, a third of all that MLflow takes to begin.
WITHOUT = "pandas"


def main(folder: Path, uri: str, lease: Lease, store: str | None = None) -> int:
    """Mirror the sweep in ``folder``, a copy of that in ``store``, until standard input ends; return the exit code."""
    os.nice(NICENESS)
    sys.modules.setdefault(WITHOUT, None)  # type: ignore[arg-type] # None is how Python is told that a module is absent.
    _log_without_secrets()

    def connect_leasing(uri: str) -> Any:
        # A database is worked on by MLflow in this very process, which needs time and not an answer.
        return Leasing(connect(uri), lease, first=FIRST_ANSWER if has_server(uri) else ANSWER)

    files = None if store is None else InStore(folder, open_objects(store), lambda: lease.extend(WORK))
    with closing(Mirror(folder, uri, commit_of(Path.cwd()) or built_from(), connect_leasing, files)) as mirror:
        return follow(mirror, Driver(sys.stdin.fileno(), lease))


class _Masking(logging.Formatter):
    """Masks what any library says of a URI, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def _log_without_secrets() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_Masking("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), os.environ[URI_VARIABLE], Lease(int(sys.argv[2])), *sys.argv[3:]))
