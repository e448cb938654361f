"""``python -m sweeper.tracking FOLDER``: the mirror's process; the URI is in ``MLFLOW_TRACKING_URI``."""

import logging
import os
import sys
from contextlib import closing
from pathlib import Path

from sweeper.tracking.commit import commit_of
from sweeper.tracking.follow import Driver, follow
from sweeper.tracking.mirror import Mirror
from sweeper.tracking.process import URI_VARIABLE

NICENESS = 10
"""On a machine with few cores training comes first: of a core that is wanted by both, this leaves it nine tenths."""

# MLflow's client uses pandas where there is some and does without where there is none, as in its skinny edition. Here
# there is none: importing it takes 1.2 s of computing, a third of all that MLflow takes to begin.
WITHOUT = "pandas"


def main(folder: Path, uri: str) -> int:
    """Mirror the sweep in ``folder`` until standard input ends; return the exit code."""
    os.nice(NICENESS)
    sys.modules.setdefault(WITHOUT, None)  # type: ignore[arg-type] # None is how Python is told that a module is absent.
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    with closing(Mirror(folder, uri, commit_of(Path.cwd()))) as mirror:
        return follow(mirror, Driver(sys.stdin.fileno()))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), os.environ[URI_VARIABLE]))
