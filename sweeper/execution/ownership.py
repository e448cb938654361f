"""One driver for a sweep: a lock that the kernel takes back when its holder dies, and a note of who holds it.

Where machines share the sweep's folder, a lock may not reach from one to another; where its home is an object store,
there is none. There the note decides: its owner gives a sign of life every few seconds, and a note that is seen to
change is a driver at work. Of two drivers that take the same sweep over, the one whose note is there in the end goes
on; the other one stops before its next result.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock, Thread

from sweeper.errors import SweeperError, UsageError
from sweeper.execution.note_places import FileNote, NotePlace, ObjectNote
from sweeper.execution.owner_note import OwnerNote, parse_note
from sweeper.locking import HeldError, locked
from sweeper.remote.objects import ChangedError, Objects

BEAT = 3.0
"""Seconds between two signs of life."""

WATCHED_BEATS = 5
"""How many beats the note of another machine is watched for; one that does not change meanwhile is stale."""

LEAVE = 10.0
"""Seconds to wait for a store that does not take the last sign of life. The next driver will watch the note instead."""


class Ownership:
    """That this process, and no other, drives a sweep."""

    def __init__(self, places: Sequence[NotePlace], took_over: str | None) -> None:
        """Write the first note everywhere; raise OSError or ChangedError where it cannot be written."""
        self.took_over = took_over
        """One line about the driver before, where it died; ``None`` where it left in order, or there was none."""
        self._places = places
        self._note = OwnerNote.of_this_process()
        self._access = Lock()
        self._left = Event()
        for place in places:
            place.begin(self._note)
        # A daemon: a process that ends in whatever way is not kept alive by its own signs of life.
        self._heart = Thread(target=self._beat, name="signs-of-life", daemon=True)
        self._heart.start()

    def check(self) -> None:
        """Raise SweeperError where the sweep is this driver's no more, or its folder is gone."""
        for place in self._places:
            place.check(self._note)

    def confirm(self) -> None:
        """Do the same, and ask where the note lies before: a driver that was cut off may not know yet."""
        self._renew(self._note.beat())
        self.check()

    def leave(self) -> None:
        """Note that the sweep was left in order; one that is another driver's by now is let alone."""
        self._left.set()
        self._heart.join(LEAVE)
        if not self._heart.is_alive():
            self._renew(replace(self._note, left=True))

    def _beat(self) -> None:
        while not self._left.wait(BEAT):
            self._renew(self._note.beat())

    def _renew(self, note: OwnerNote) -> None:
        """Write a note over our own, where that is still there; a disk in trouble is for the sweep's files to tell."""
        with self._access:
            for place in self._places:
                with suppress(SweeperError, OSError):
                    place.renew(note)
            self._note = note


@contextmanager
def owned(folder: Path, store: Objects | None = None) -> Iterator[Ownership]:
    """Own the sweep in ``folder``, a copy of that in ``store`` if there is one, as long as the context lasts.

    Raises SweeperError where another driver is at work or the store is of no use, UsageError where the folder cannot be
    written to or its file system knows no locks.
    """
    with ExitStack() as stack:
        try:
            ownership = _claim(folder, store, stack)
        except OSError as error:
            raise UsageError(f"{folder}: cannot be locked for writing ({error.strerror})") from error
        stack.callback(ownership.leave)
        yield ownership


def _claim(folder: Path, store: Objects | None, stack: ExitStack) -> Ownership:
    here = FileNote(folder)
    try:
        stack.enter_context(locked(here.path, wait=False))
    except HeldError:
        raise SweeperError(_refusal(folder.name, here.read())) from None
    if store is None:
        return Ownership([here], _took_over(here, folder.name, lambda before: before.on_this_machine))
    there = ObjectNote(store, folder.name)
    took_over = _took_over(there, folder.name, _drove_from(here))
    try:
        return Ownership([there, here], took_over)
    except ChangedError:
        raise SweeperError(_refusal(folder.name, there.read())) from None


def _drove_from(here: FileNote) -> Callable[[OwnerNote], bool]:
    """Return what says of a driver that it worked in this folder, held its lock, which is free now, and so is dead."""
    left = parse_note(here.read())
    return lambda before: left is not None and before.on_this_machine and before.token == left.token


def _took_over(place: NotePlace, sweep: str, is_dead: Callable[[OwnerNote], bool]) -> str | None:
    """Return one line about the driver whose note lies in a place; ``None`` where there is none, or it has left.

    Raises SweeperError where it lives; ``is_dead`` says of whom that need not be watched for.
    """
    content = place.read()
    before = parse_note(content)
    if not content or (before and before.left):
        return None
    if not (before and is_dead(before)) and _changes(place, content):
        raise SweeperError(_refusal(sweep, place.read()))
    died = f"{before}, which died after {before.alive}" if before else "an unknown process, which died"
    return f"sweep {sweep} is taken over from {died}"


def _changes(place: NotePlace, content: bytes) -> bool:
    """Watch a note for signs of life. It is not its time that is looked at: clocks differ, and are set."""
    for _ in range(WATCHED_BEATS):
        time.sleep(BEAT)
        if place.read() != content:
            return True
    return False


def _refusal(sweep: str, content: bytes) -> str:
    owner = parse_note(content)
    life = f" (of {owner.user}, since {owner.began}, last sign of life {owner.age})" if owner else ""
    return f"sweep {sweep} is being run by {owner or 'another process'}{life}; wait for it, or end it"
