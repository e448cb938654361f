"""Where a command works: what the options say, with their defaults filled in."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from sweeper.tracking.uri import default_uri, has_server, mask

NO_TRACKING = "none"


@dataclass(frozen=True)
class Surroundings:
    """What the command line says about where a sweep is and runs."""

    home: Path
    data_dir: Path | None
    address: str | None
    tracking_uri: str | None

    def __post_init__(self) -> None:
        """Refuse a store that is none (UsageError) before anything is written on its account."""
        if self.store is not None:
            has_server(self.store)

    @property
    def store(self) -> str | None:
        """The MLflow store; ``None`` where nothing is to be tracked."""
        uri = default_uri(self.home) if self.tracking_uri is None else self.tracking_uri
        return None if uri == NO_TRACKING else uri

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
