"""Where a command works: what the options say, with their defaults filled in."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.cli.warning import warn
from sweeper.errors import UsageError
from sweeper.masking import mask
from sweeper.remote.homes import Home
from sweeper.spec.study import ALLOWED, parse_study_url
from sweeper.tracking.uri import default_uri, has_server

if TYPE_CHECKING:
    from sweeper.search.replica import Replica
    from sweeper.spec import Spec

NO_TRACKING = "none"


@dataclass(frozen=True)
class Surroundings:
    """What the command line says about where a sweep is and runs."""

    home: Home
    tracking_uri: str | None
    data_dir: Path | None = None
    address: str | None = None
    study: str | None = None
    """The URL of the database that has the study; may hold a password."""

    def __post_init__(self) -> None:
        """Refuse a store or a database that is none (UsageError) before anything is written on its account."""
        if self.store is not None:
            has_server(self.store)
        if self.study is not None and parse_study_url(self.study) is None:
            raise UsageError(f"--study: {ALLOWED}")

    @property
    def store(self) -> str | None:
        """The MLflow store; ``None`` where nothing is to be tracked."""
        uri = self._default_store if self.tracking_uri is None else self.tracking_uri
        return None if uri == NO_TRACKING else uri

    @property
    def _default_store(self) -> str:
        if self.home.objects is None:
            return default_uri(self.home.path)
        raise UsageError(
            f"--tracking-uri: is missing, and {self.home} can hold no database; must be that of an MLflow server "
            f"(or set MLFLOW_TRACKING_URI), or {NO_TRACKING!r}: 'sweeper sync' sends everything later"
        )

    def overridden(self, overrides: Sequence[str]) -> list[str]:
        """Return overrides with one by which the sweep says where its study is: whoever goes on with it finds it there.

        The password is left to the environment.
        """
        parsed = None if self.study is None else parse_study_url(self.study)
        return [*overrides] if parsed is None else [*overrides, f"sweep.study={parsed.public}"]

    @contextmanager
    def replica(self, spec: "Spec", sweep: str) -> Iterator["Replica | None"]:
        """Open where the journal of a sweep is kept beside its folder; ``None`` where it is in the folder alone."""
        from sweeper.search.places import open_replica  # Optuna, which takes a while to import.

        study = self.study or spec.settings.study
        found = open_replica(self.home.store(sweep), study, sweep, lambda line: warn([line]))
        try:
            yield found
        finally:
            if found is not None:
                found.close()

    def resume_command(self, sweep: str) -> str:
        """Return the command that goes on with ``sweep``; secrets of a URI are left to the environment."""
        options = {
            "--home": self.home,
            "--data-dir": self.data_dir,
            "--address": self.address,
            "--tracking-uri": None if self.tracking_uri is None else mask(self.tracking_uri),
        }
        words = [word for option, value in options.items() if value is not None for word in (option, str(value))]
        return shlex.join(["sweeper", "resume", sweep, *words])
