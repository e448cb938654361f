"""The services of a cluster's head, PostgreSQL and an MLflow server: started where they do not run.

    python -m sweeper.cluster.head.services ~/services --artifacts s3://bucket/mlflow

Both listen on loopback alone. The password of the database is made here, lies in a file that only its owner reads
(``pgpass``, which PostgreSQL's library finds by ``PGPASSFILE``), and stands in no command line.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sweeper.cluster.head.database import Database
from sweeper.cluster.head.tracking_server import TrackingServer
from sweeper.errors import SweeperError


@dataclass(frozen=True)
class Settings:
    """What the head serves, and where."""

    folder: Path
    programs: Path
    database_port: int
    tracking_port: int
    tracking_workers: int
    artifacts: str


def start(settings: Settings) -> None:
    """Start what does not run, and wait until it answers.

    Raises:
        SweeperError: a service does not start; one line says which, and why.

    """
    database = Database(settings.folder, settings.programs, settings.database_port)
    database.start()
    for name in ("sweeper", "mlflow"):
        database.create(name)
    TrackingServer(
        settings.folder,
        settings.tracking_port,
        settings.tracking_workers,
        database.url("mlflow", "postgresql+psycopg"),
        settings.artifacts,
        database.environment,
    ).start()


def _settings(arguments: Sequence[str]) -> Settings:
    parser = argparse.ArgumentParser(
        prog="python -m sweeper.cluster.head.services", description="Start the head's services."
    )
    parser.add_argument("folder", type=Path, help="of data, logs and the password")
    parser.add_argument("--programs", type=Path, default=Path("/usr/lib/postgresql/15/bin"), help="of PostgreSQL")
    parser.add_argument("--database-port", type=int, default=5432)
    parser.add_argument("--tracking-port", type=int, default=5000)
    parser.add_argument("--tracking-workers", type=int, default=2)
    parser.add_argument("--artifacts", required=True, help="where MLflow keeps artifacts, such as s3://bucket/mlflow")
    return Settings(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str]) -> int:
    """Start the services; return the exit code."""
    try:
        start(_settings(arguments))
    except (SweeperError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
