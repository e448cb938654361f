"""Where the note of a sweep's driver lies: in a file of its folder, and of a home in an object store there as well."""

from pathlib import Path
from threading import Lock
from typing import Protocol

from sweeper.errors import SweeperError
from sweeper.execution.owner_note import OwnerNote, parse_note, written
from sweeper.remote.objects import ChangedError, Objects, Version

LOCK_FILE = "driver.lock"


class NotePlace(Protocol):
    """A place for one note, of the driver that has the sweep."""

    def read(self) -> bytes:
        """Return what lies there; nothing where nothing does."""
        ...

    def begin(self, note: OwnerNote) -> None:
        """Write the first note of a driver in the place of what was read last.

        Raises ChangedError where that is not there any more.
        """
        ...

    def renew(self, note: OwnerNote) -> None:
        """Write a note over one of the same driver; raise SweeperError or OSError where that cannot be done now."""
        ...

    def check(self, note: OwnerNote) -> None:
        """Raise SweeperError where it is known that another driver's note, or none, lies there. Quick."""
        ...


class FileNote:
    """A note in a file, which is never made again where it is gone. It is looked at whenever it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOCK_FILE
        self._folder = folder
        self._access = Lock()

    def read(self) -> bytes:
        """Return the content of the file."""
        with self._access:
            return self.path.read_bytes()

    def begin(self, note: OwnerNote) -> None:
        """Write over the file, whose lock this process holds."""
        with self._access, self.path.open("r+b", buffering=0) as file:
            file.write(written(note))

    def renew(self, note: OwnerNote) -> None:
        """Write over our own note."""
        self.check(note)
        self.begin(note)

    def check(self, note: OwnerNote) -> None:
        """Raise SweeperError where our note is not there any more."""
        try:
            content = self.read()
        except FileNotFoundError:
            lost = "the lock" if self._folder.exists() else "the sweep's folder"
            raise SweeperError(f"{self._folder}: {lost} is gone; nothing more is written") from None
        except OSError as error:
            raise SweeperError(f"{self.path}: cannot be read ({error.strerror}); nothing more is written") from error
        if not note.wrote(content):
            raise SweeperError(taken_over(self._folder.name, content))


class ObjectNote:
    """A note in an object store, which costs a request to look at: what `renew` has found out there, `check` tells.

    A store that is away for a while says nothing about whose the sweep is; only another note does.
    """

    def __init__(self, objects: Objects, sweep: str) -> None:
        self._objects = objects
        self._sweep = sweep
        self._version: Version | None = None
        self._lost: str | None = None

    def read(self) -> bytes:
        """Return the content of the object."""
        found = self._objects.read(LOCK_FILE)
        self._version = None if found is None else found.version
        return b"" if found is None else found.content

    def begin(self, note: OwnerNote) -> None:
        """Write in the place of what was read or written last."""
        self._version = self._objects.write(LOCK_FILE, written(note), self._version)

    def renew(self, note: OwnerNote) -> None:
        """Write in the place of our own note; once another one was there, never again."""
        self.check(note)
        try:
            self.begin(note)
        except ChangedError:
            content = self.read()
            if not note.wrote(content):  # Else it is our own, of a time when the store took it and did not answer.
                self._lost = taken_over(self._sweep, content) if content else f"{self._objects.url}: is gone; {_END}"
                raise SweeperError(self._lost) from None

    def check(self, note: OwnerNote) -> None:  # noqa: ARG002
        """Raise SweeperError where `renew` has found that our note is not there any more."""
        if self._lost is not None:
            raise SweeperError(self._lost)


_END = "nothing more is written from here"


def taken_over(sweep: str, content: bytes) -> str:
    """Return one line that says whose a sweep is by the note that lies there now."""
    return f"sweep {sweep} was taken over by {parse_note(content) or 'another process'}; {_END}"
