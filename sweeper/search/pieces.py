"""The journal in an object store: pieces under ``study/``, of which only the last one grows.

Objects cannot be appended to: the last is written again with each change, until it is so large that the next change
begins another. Whatever is written has one place where it must be written next, the last piece or the one after it, and
names what it replaces there: of two writers that go on from the same journal, the slower one is refused.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweeper.remote.homes import STUDY
from sweeper.remote.objects import ChangedError, Found, Objects, Version
from sweeper.search.journal import Position, begins_anew
from sweeper.search.replica import Tell, tell_nobody

_KEY = re.compile(r"[0-9]{8}\.journal")
FULL = 256 * 1024
"""Bytes from which on a piece is not written again."""


@dataclass(frozen=True)
class _Slot:
    """What is to be written next: under which number, behind which content, in the place of which version."""

    number: int = 1
    content: bytes = b""
    version: Version | None = None

    def after(self, content: bytes, version: Version) -> "_Slot":
        """Return what is to be written when ``content`` is there."""
        return _Slot(self.number + 1) if len(content) >= FULL else _Slot(self.number, content, version)


class Pieces:
    """A `Replica` below the place of a sweep in an object store."""

    def __init__(self, objects: Objects, tell: Tell = tell_nobody) -> None:
        """Take the objects of one sweep."""
        self.tell = tell
        self._objects = objects.below(STUDY)
        self._slot = _Slot()
        self._size = 0

    @property
    def place(self) -> str:
        """Where it is."""
        return self._objects.url

    def load(self) -> bytes:
        """Return the whole journal."""
        found = self._found()
        content = joined(piece.content for piece in found.values())
        self._slot, self._size = _next_slot(found), len(content)
        return content

    def append(self, before: Position, lines: bytes) -> None:
        """Write a change with one request."""
        if before.offset != self._size:
            raise ChangedError(f"{self.place}: holds {self._size} bytes of the journal and not {before.offset}")
        self._write(self._slot.content + lines)
        self._size += len(lines)

    def replace(self, content: bytes) -> None:
        """Begin anew in one piece, however large, and remove those before it, which count no more from then on."""
        number = self._slot.number
        self._write(content)
        self._size = len(content)
        self._objects.remove(key for key in self._keys() if key < _key(number))

    def close(self) -> None:
        """Leave the place."""

    def _write(self, content: bytes) -> None:
        version = self._objects.write(_key(self._slot.number), content, self._slot.version)
        self._slot = self._slot.after(content, version)

    def _keys(self) -> list[str]:
        return sorted(filter(is_piece, self._objects.keys()))

    def _found(self) -> dict[str, Found]:
        """Return the pieces in their order; one that is gone was replaced meanwhile."""
        while True:
            found = {key: self._objects.read(key) for key in self._keys()}
            there = {key: piece for key, piece in found.items() if piece is not None}
            if len(there) == len(found):
                return there


def is_piece(key: str) -> bool:
    """Say whether a key is that of a piece."""
    return _KEY.fullmatch(key) is not None


def joined(pieces: Iterable[bytes]) -> bytes:
    """Return the journal that pieces are: those from the last one on that begins a journal."""
    last: list[bytes] = []
    for piece in pieces:
        if begins_anew(piece):
            last.clear()
        last.append(piece)
    return b"".join(last)


def _key(number: int) -> str:
    return f"{number:08}.journal"


def _next_slot(found: Mapping[str, Found]) -> _Slot:
    if not found:
        return _Slot()
    key, last = max(found.items())
    return _Slot(int(key.partition(".")[0])).after(last.content, last.version)
