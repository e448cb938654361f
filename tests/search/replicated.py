"""Places in which a journal is kept beside its folder, the drivers that write there, and how these die."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from driven import timeless
from support.sweeps import make_spec, simulated

from sweeper.remote.objects import Objects, StoreError, Version
from sweeper.remote.s3 import S3Objects
from sweeper.search import TrialRecord
from sweeper.search.history import record_spec
from sweeper.search.journal import Position
from sweeper.search.places import open_replica
from sweeper.search.replica import Replica
from sweeper.spec import Spec

SWEEP = "swept"
"""The name of the sweep, and that of its folder."""
SPEC = make_spec(epochs=3, trials=4, finals={"top": 1, "seeds": 1})
PLACES = ("alone", "pieces", "postgres", "both")


class Killed(BaseException):
    """What a SIGKILL leaves is what is there when this is raised."""


@dataclass
class Line:
    """What a link goes over."""

    is_cut: bool = False
    loses_answer: bool = False
    refused: Event = field(default_factory=Event)
    """Whether something was tried while it was cut."""


class Link:
    """Objects, as far as their store can be reached."""

    def __init__(self, objects: Objects, line: Line) -> None:
        self._objects = objects
        self._line = line

    def below(self, name: str) -> "Link":
        return Link(self._objects.below(name), self._line)

    def write(self, *words: Any) -> Version:
        version = self.__getattr__("write")(*words)
        if self._line.loses_answer:
            self._line.loses_answer = False
            raise StoreError(f"{self._objects.url}: no answer")
        return version

    def __getattr__(self, name: str) -> Any:
        if self._line.is_cut and name != "url":
            self._line.refused.set()
            raise StoreError(f"{self._objects.url}: cut off")
        return getattr(self._objects, name)


@dataclass(frozen=True)
class Place:
    """Where a journal is: an object store, a database, both, or its folder alone."""

    store: Objects | None = None
    study_url: str | None = None
    told: list[str] = field(default_factory=list)

    @contextmanager
    def replica(self) -> Iterator[Replica | None]:
        """Open it as a driver does; one that is killed has no moment left for a backup."""
        line = Line()
        link = None if self.store is None else Link(self.store, line)
        replica = open_replica(
            link, self.study_url, SWEEP, lambda text: None if line.is_cut else self.told.append(text)
        )
        try:
            yield replica
        except Killed:
            line.is_cut = True
            raise
        finally:
            if replica is not None:
                replica.close()

    def load(self) -> bytes:
        """Return the journal that is there."""
        with self.replica() as replica:
            return b"" if replica is None else replica.load()

    def run(self, folder: Path, spec: Spec = SPEC) -> list[TrialRecord]:
        """Begin a sweep, or go on with it; return its trials at the end."""
        folder.mkdir(parents=True, exist_ok=True)
        with self.replica() as replica:
            return timeless(simulated(spec, folder, replica=replica))


def make_place(name: str, request) -> Place:
    """Make one of PLACES, with nothing in it."""
    store = study_url = None
    if name in ("pieces", "both"):
        store = S3Objects.at(f"{request.getfixturevalue('bucket')}/home/{SWEEP}")
    if name in ("postgres", "both"):
        study_url = request.getfixturevalue("database")
    return Place(store, study_url)


@dataclass
class Dying:
    """A replica whose driver is killed at one of its changes, before or after that is there."""

    replica: Replica
    changes: int
    is_written: bool

    def __getattr__(self, name: str) -> object:
        return getattr(self.replica, name)

    def append(self, before: Position, lines: bytes) -> None:
        self._die(lambda: self.replica.append(before, lines))

    def replace(self, content: bytes) -> None:
        self._die(lambda: self.replica.replace(content))

    def _die(self, write: Callable[[], None]) -> None:
        self.changes -= 1
        if self.changes >= 0 or self.is_written:
            write()
        if self.changes < 0:
            raise Killed


def begun(place: Place, tmp_path: Path) -> Path:
    """Make a sweep's folder, and its journal in the place, as the command line does."""
    folder = tmp_path / SWEEP
    folder.mkdir()
    (folder / "sweep.yaml").write_text(SPEC.to_yaml())
    with place.replica() as replica:
        record_spec(folder, SPEC, replica)
    return folder
