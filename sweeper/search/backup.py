"""A replica with a backup: another one that is written behind it, and from which it comes back where it was lost."""

from sweeper.errors import SweeperError
from sweeper.search.follower import Follower
from sweeper.search.journal import Position, end_of
from sweeper.search.replica import Replica
from sweeper.search.synchronizing import bring_up, lacking


class BackedUp:
    """A `Replica` that is the first of two; the second one is what the first was a moment ago."""

    def __init__(self, first: Replica, backup: Replica) -> None:
        self._first = first
        self._backup = backup
        self.tell = first.tell
        self._follower: Follower | None = None

    @property
    def place(self) -> str:
        """Where the first one is."""
        return self._first.place

    def load(self) -> bytes:
        """Return the whole journal, of which what the first one lacks comes from the backup."""
        content = self._first.load()
        if self._follower is not None:
            self._follower.follow(content)
            return content
        kept = self._backup.load()
        end_of(kept, self._backup.place)
        if kept.startswith(content) and kept != content:
            bring_up(self._first, content, kept)
            self.tell(f"{lacking(self.place, content, kept)} of the study; restored from {self._backup.place}")
            content = kept
        self._follower = Follower(self._backup, kept, content)
        return content

    def append(self, before: Position, lines: bytes) -> None:
        """Write a change to the first one, and have it written to the backup."""
        follower = self._following()
        self._first.append(before, lines)
        follower.go_on(lines)

    def replace(self, content: bytes) -> None:
        """Put another journal in the place of the first one's, and have the backup follow."""
        follower = self._following()
        self._first.replace(content)
        follower.follow(content)

    def close(self) -> None:
        """Wait until the backup has all, or cannot be written, which is told."""
        if self._follower is not None and (problem := self._follower.end()):
            self.tell(problem)
        self._first.close()
        self._backup.close()

    def _following(self) -> Follower:
        if self._follower is None:
            raise SweeperError(f"{self.place}: written before it was read")
        self._follower.check()
        return self._follower
