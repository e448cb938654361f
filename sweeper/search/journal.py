"""The journal's file: Optuna's lines with a checksum each, in changes that are there as a whole or not at all.

A line is a record of Optuna's with one or two keys more, which Optuna passes over: ``crc``, the CRC-32 of this line and
all lines before it, each without its ``crc``; and ``more`` where its change goes on in the next line. A line that was
changed, lost, doubled or moved does not fit its checksum, and a change without its last line is none.
"""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO, UnsupportedOperation
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias
from zlib import crc32

from optuna.storages.journal import BaseJournalBackend

from sweeper.errors import SweeperError

Record: TypeAlias = dict[str, Any]

MORE = "more"
_CHECKSUM = b',"crc":'


@dataclass(frozen=True)
class Position:
    """How far a journal is known: to the end of a whole line."""

    lines: int = 0
    offset: int = 0
    checksum: int = 0

    def then(self, body: bytes) -> tuple[bytes, "Position"]:
        """Return the line for a record that stands here, and the position after it.

        ``body`` is the record's JSON without the brace that closes it.
        """
        checksum = crc32(body, self.checksum)
        line = b"%b%b%d}\n" % (body, _CHECKSUM, checksum)
        return line, Position(self.lines + 1, self.offset + len(line), checksum)


def position_after(line: bytes, before: Position) -> Position | None:
    """Return where a line ends that stands at ``before``, ``None`` where it does not fit there."""
    expected, after = before.then(line.rpartition(_CHECKSUM)[0])
    return after if line == expected else None


def end_of(content: bytes, place: str, begin: Position = Position()) -> Position:
    """Return where whole lines end that stand at ``begin`` of a journal; ``place`` is what messages call it.

    Raises SweeperError at the first line that does not fit those before it.
    """
    end = begin
    for line in BytesIO(content):
        after = position_after(line, end)
        if after is None:
            raise SweeperError(f"{place}: damaged: line {end.lines + 1} does not fit those before it")
        end = after
    return end


def begins_anew(content: bytes) -> bool:
    """Say whether a journal begins with these lines, rather than goes on with them."""
    return position_after(next(BytesIO(content), b""), Position()) is not None


class JournalReader(BaseJournalBackend):
    """Reads a journal that may be being written: each time what is new, and only changes that are whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._end = Position()

    def read_logs(self, log_number_from: int) -> Iterator[Record]:
        """Yield the records from a number on.

        Raises SweeperError at the first line that does not fit those before it.
        """
        if log_number_from < self._end.lines:
            self._end = Position()
        with self._path.open("rb") as file:
            file.seek(self._end.offset)
            while records := self._next_change(file):
                known = log_number_from - (self._end.lines - len(records))
                yield from records[max(0, known) :]

    def whole(self) -> Position:
        """Return where the last change ends that is whole."""
        for _ in self.read_logs(0):
            pass
        return self._end

    def append_logs(self, logs: list[Record]) -> None:  # noqa: ARG002
        """Refuse to write."""
        raise UnsupportedOperation(f"{self._path}: opened for reading")

    def _next_change(self, file: BinaryIO) -> list[Record]:
        """Return the records of the next change and go behind it; nothing where there is no whole one."""
        records, end = [], self._end
        for line in file:
            if not line.endswith(b"\n"):  # Being written, or cut off by a kill or a full disk.
                break
            record, end = self._checked(line, end)
            records.append(record)
            if MORE not in record:
                self._end = end
                return records
        return []

    def _checked(self, line: bytes, before: Position) -> tuple[Record, Position]:
        after = position_after(line, before)
        if after is None:
            raise SweeperError(f"{self._path}:{before.lines + 1}: {_advice(self._path, before.lines)}")
        record: Record = json.loads(line)
        return record, after


def _advice(path: Path, whole: int) -> str:
    """Say what is wrong with the line after ``whole`` whole ones, and what can be done."""
    if not whole:
        return "not the journal of a sweep, or damaged"
    file, kept = shlex.quote(str(path)), shlex.quote(f"{path}.whole")
    return (
        "damaged: does not fit the lines before it, being changed, lost, doubled, moved or of another program; "
        f"the {whole} lines before it are whole: keep them with 'head -n {whole} {file} > {kept} && mv {kept} {file}' "
        "and resume"
    )
