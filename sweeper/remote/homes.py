"""Where sweeps are: in a folder, or in an object store, of which folders of this machine hold copies."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sweeper.cache import cache_folder
from sweeper.errors import UsageError
from sweeper.remote.objects import Objects
from sweeper.remote.opening import open_objects

_SCHEME = "s3://"
STUDY = "study"
"""The folder of a sweep that holds its journal."""
_AT_ONCE = 16
"""Requests that a store is asked to answer at the same time."""


@dataclass(frozen=True)
class Home:
    """The place that holds all sweeps."""

    path: Path
    """The folder; of a home in a store, that of the copies which are read."""
    objects: Objects | None = None
    """What is in the store; ``None`` where the home is a folder."""

    def __str__(self) -> str:
        return str(self.path) if self.objects is None else self.objects.url

    def place(self, sweep: str) -> str:
        """Return where a sweep is, as people name it."""
        return str(self.path / sweep) if self.objects is None else f"{self}/{sweep}"

    def store(self, sweep: str) -> Objects | None:
        """Return the objects of a sweep; ``None`` where the home is a folder."""
        return None if self.objects is None else self.objects.below(sweep)

    def workplace(self, sweep: str) -> Path:
        """Return the folder in which the driver of a sweep works: no copy that others read."""
        return (self.path if self.objects is None else self.path.with_name("driven")) / sweep


def open_home(text: str) -> Home:
    """Return the home that ``--home`` names: a folder, or ``s3://BUCKET/FOLDER``.

    Raises UsageError where it is the address of something else.
    """
    if "://" not in text:
        return Home(Path(text))
    if not text.startswith(_SCHEME):
        raise UsageError(f"--home: found {text!r}; must be a folder, s3://BUCKET or s3://BUCKET/FOLDER")
    try:
        objects = open_objects(text)
    except UsageError as error:
        raise UsageError(f"--home: {error}") from None
    return Home(_copies(objects.url) / "read", objects)


def sweeps_in(objects: Objects) -> list[str]:
    """Return the names of the sweeps in a store, that last worked on first, by the clock of the store."""

    def worked_on(sweep: str) -> float:
        return max((piece.modified for piece in objects.below(sweep).below(STUDY).here().values()), default=0.0)

    folders = objects.folders()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        moments = dict(zip(folders, pool.map(worked_on, folders), strict=True))
    return sorted(filter(moments.get, moments), key=lambda sweep: (moments[sweep], sweep), reverse=True)


def _copies(url: str) -> Path:
    """Return the folder of the copies of a home, under a name that people recognize and that is no other home's."""
    words = url.removeprefix(_SCHEME).replace("/", "-")[:80]
    return cache_folder() / "homes" / f"{words}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
