"""Where a sweep runs, apart from what it asks."""

from dataclasses import dataclass
from pathlib import Path

from sweeper.remote.objects import Objects
from sweeper.search.replica import Replica


@dataclass(frozen=True)
class Site:
    """Where a sweep runs, apart from what it asks."""

    folder: Path
    data_dir: Path | None
    """The folder of the data sets; ``None`` for the one that each machine has of its own."""
    address: str | None
    """The Ray cluster to use; ``None`` starts a local one."""
    tracking_uri: str | None
    """The MLflow store or server; ``None`` tracks nothing."""
    store: Objects | None = None
    """Where the sweep is of which ``folder`` is a copy; ``None`` where it is the folder."""
    replica: Replica | None = None
    """Where the journal is kept beside the folder, if anywhere."""
