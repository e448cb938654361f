"""A thread that keeps a replica what a journal was a moment ago.

All that waits is written at once, as one change. A store that is away holds nobody up: it is tried again.
"""

from threading import Condition, Thread

from sweeper.errors import SweeperError
from sweeper.remote.objects import ChangedError, StoreError
from sweeper.search.journal import end_of
from sweeper.search.replica import Replica

EVERY = 1.0
"""Seconds between two writes."""


class Follower:
    """Writes a replica, which is its own until the end."""

    def __init__(self, replica: Replica, held: bytes, wanted: bytes) -> None:
        """Take a replica that holds a journal, as it was just loaded, and the one that it is to hold."""
        self._replica = replica
        self._held = held
        self._end = end_of(held, replica.place)
        self._wanted = bytearray(wanted)
        self._waits = held != wanted
        """Whether something is wanted that nobody has begun to write."""
        self._problem: SweeperError | None = None
        self._is_over = False
        self._news = Condition()
        # A daemon: a driver that dies does not wait for its backup.
        self._thread = Thread(target=self._run, name="study-backup", daemon=True)
        self._thread.start()

    def follow(self, content: bytes) -> None:
        """Make the replica this journal."""
        with self._news:
            self._wanted = bytearray(content)
            self._wake()

    def go_on(self, lines: bytes) -> None:
        """Have the replica go on with these lines."""
        with self._news:
            self._wanted += lines
            self._wake()

    def check(self) -> None:
        """Raise what says that the replica is another driver's now."""
        if self._problem is not None and not isinstance(self._problem, StoreError):
            raise self._problem

    def end(self) -> str | None:
        """Write what is left; return one line where that is not possible."""
        with self._news:
            self._is_over = True
            self._news.notify()
        self._thread.join()
        if self._waits:
            return f"{self._replica.place} lacks the end of the study, which the next resumption adds: {self._problem}"
        return None

    def _wake(self) -> None:
        self._waits = True
        self._news.notify()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            with self._news:
                self._news.wait_for(lambda: self._waits or self._is_over)
                is_over, wanted = self._is_over, bytes(self._wanted) if self._waits else self._held
                self._waits = False
            is_over |= not self._try(wanted)
            with self._news:
                self._news.wait_for(lambda: self._is_over, EVERY)

    def _try(self, wanted: bytes) -> bool:
        """Make the replica hold what is wanted; return whether that can be tried again where it failed."""
        try:
            if self._problem is not None:
                self._look(wanted)
            self._write(wanted)
            self._problem = None
        except SweeperError as error:
            self._problem, self._waits = error, True
            return isinstance(error, StoreError)
        return True

    def _look(self, wanted: bytes) -> None:
        """See how far a write came of which nothing was heard."""
        there = self._replica.load()
        if there != self._held and not wanted.startswith(there):
            raise ChangedError(f"{self._replica.place}: written by another process as well")
        self._held, self._end = there, end_of(there, self._replica.place)

    def _write(self, wanted: bytes) -> None:
        if not wanted.startswith(self._held):
            self._replica.replace(wanted)
            self._end = end_of(wanted, self._replica.place)
        elif rest := wanted[len(self._held) :]:
            self._replica.append(self._end, rest)
            self._end = end_of(rest, self._replica.place, self._end)
        self._held = wanted
