"""One driver for a sweep: a lock that the kernel takes back when its holder dies, and a note of who holds it.

Where machines share the sweep's folder, a lock may not reach from one to another. There the note decides: its owner
gives a sign of life every few seconds, and a note that is seen to change is a driver at work. Of two drivers that take
the same sweep over, the one whose note is there in the end goes on; the other one stops before its next result.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock, Thread

from sweeper.errors import SweeperError, UsageError
from sweeper.execution.owner_note import OwnerNote, parse_note, write_note
from sweeper.locking import HeldError, locked

LOCK_FILE = "driver.lock"
BEAT = 3.0
"""Seconds between two signs of life."""

WATCHED_BEATS = 5
"""How many beats the note of another machine is watched for; one that does not change meanwhile is stale."""


class Ownership:
    """That this process, and no other, drives the sweep in a folder."""

    def __init__(self, folder: Path, took_over: str | None) -> None:
        """Write the first note; raise OSError where it cannot be written."""
        self.took_over = took_over
        """One line about the driver before, where it died; ``None`` where it left in order, or there was none."""
        self._folder = folder
        self._path = folder / LOCK_FILE
        self._note = OwnerNote.of_this_process()
        self._access = Lock()
        self._left = Event()
        write_note(self._path, self._note)
        # A daemon: a process that ends in whatever way is not kept alive by its own signs of life.
        self._heart = Thread(target=self._beat, name="signs-of-life", daemon=True)
        self._heart.start()

    def check(self) -> None:
        """Raise SweeperError where the sweep is this driver's no more, or its folder is gone."""
        try:
            with self._access:
                content = self._path.read_bytes()
        except FileNotFoundError:
            lost = "the lock" if self._folder.exists() else "the sweep's folder"
            raise SweeperError(f"{self._folder}: {lost} is gone; nothing more is written") from None
        except OSError as error:
            raise SweeperError(f"{self._path}: cannot be read ({error.strerror}); nothing more is written") from error
        if self._note.token.encode() not in content:
            owner = parse_note(content) or "another process"
            raise SweeperError(
                f"sweep {self._folder.name} was taken over by {owner}; nothing more is written from here"
            )

    def leave(self) -> None:
        """Note that the sweep was left in order; one that is another driver's by now is let alone."""
        self._left.set()
        self._heart.join()
        self._write(replace(self._note, left=True))

    def _beat(self) -> None:
        while not self._left.wait(BEAT):
            self._write(self._note.beat())

    def _write(self, note: OwnerNote) -> None:
        """Write a note over our own, where that is still there; a disk in trouble is for the sweep's files to tell."""
        with suppress(SweeperError, OSError):
            self.check()
            with self._access:
                write_note(self._path, note)
            self._note = note


@contextmanager
def owned(folder: Path) -> Iterator[Ownership]:
    """Own the sweep in ``folder`` as long as the context lasts.

    Raises SweeperError where another driver is at work, UsageError where the folder cannot be written to or its file
    system knows no locks.
    """
    with ExitStack() as stack:
        try:
            ownership = _claim(folder, stack)
        except OSError as error:
            raise UsageError(f"{folder}: cannot be locked for writing ({error.strerror})") from error
        stack.callback(ownership.leave)
        yield ownership


def _claim(folder: Path, stack: ExitStack) -> Ownership:
    path = folder / LOCK_FILE
    try:
        stack.enter_context(locked(path, wait=False))
    except HeldError:
        raise SweeperError(_refusal(folder, path.read_bytes())) from None
    content = path.read_bytes()
    before = parse_note(content)
    if not content or (before and before.left):
        return Ownership(folder, None)
    if not (before and before.on_this_machine) and _changes(path, content):
        raise SweeperError(_refusal(folder, path.read_bytes()))
    died = f"{before}, which died after {before.alive}" if before else "an unknown process, which died"
    return Ownership(folder, f"sweep {folder.name} is taken over from {died}")


def _changes(path: Path, content: bytes) -> bool:
    """Watch a note for signs of life. It is not its time that is looked at: clocks differ, and are set."""
    for _ in range(WATCHED_BEATS):
        time.sleep(BEAT)
        if path.read_bytes() != content:
            return True
    return False


def _refusal(folder: Path, content: bytes) -> str:
    owner = parse_note(content)
    life = f" (of {owner.user}, since {owner.began}, last sign of life {owner.age})" if owner else ""
    return f"sweep {folder.name} is being run by {owner or 'another process'}{life}; wait for it, or end it"
