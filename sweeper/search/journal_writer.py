"""Writing the journal: one process, one change at a time, each with one write that a loss of power cannot undo."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import SEEK_END, FileIO
from pathlib import Path

from sweeper.disk import DiskError, described
from sweeper.errors import SweeperError
from sweeper.search.journal import MORE, JournalReader, Position, Record
from sweeper.search.replica import Replica

_GOES_ON = b',"%b":true' % MORE.encode()


class JournalWriter(JournalReader):
    """Reads and writes a journal, which is begun where there is none."""

    def __init__(self, path: Path, replica: Replica | None = None) -> None:
        """Take a journal that is equal to its replica, where it has one."""
        super().__init__(path)
        self._replica = replica
        self._change: list[bytes] | None = None
        """What belongs to the change that is being made: the JSON of each record."""
        self._lost = False
        path.open("ab").close()

    def read_logs(self, log_number_from: int) -> Iterator[Record]:
        """Yield the records from a number on, those of the change that is being made among them."""
        if self._change is None:
            yield from super().read_logs(log_number_from)
        else:
            yield from map(json.loads, self._change[log_number_from - self._end.lines :])

    def append_logs(self, logs: list[Record]) -> None:
        """Add records to the change that is being made, or write them as a change of their own."""
        if self._lost:
            raise SweeperError(f"{self._path}: the change before could not be written; resume the sweep")
        records = [json.dumps(log, separators=(",", ":")).encode() for log in logs]
        if self._change is None:
            self._write(records)
        else:
            self._change += records

    @contextmanager
    def change(self) -> Iterator[None]:
        """Write everything that is appended within as one change, at the end.

        Where an exception ends it nothing is written, and nothing can be any more: what has been read goes beyond what
        the journal holds. Who opens it anew goes on from before the change.
        """
        self._change = []
        try:
            yield
            if self._change:
                self._end = self._write(self._change)
        except BaseException:
            self._lost = True
            raise
        finally:
            self._change = None

    def cut_torn_end(self) -> None:
        """Cut off what a kill or a full disk has left of a change behind the last whole one that was read."""
        with self._held() as file:
            if next(super().read_logs(self._end.lines), None) is not None:
                raise self._written_by_another()
            if file.seek(0, SEEK_END) != self._end.offset:
                file.truncate(self._end.offset)

    def _write(self, records: list[bytes]) -> Position:
        """Append a change; return the position after it."""
        lines, end = _sealed(records, self._end)
        with self._held() as file:
            if file.seek(0, SEEK_END) != self._end.offset:
                raise self._written_by_another()
            if self._replica is not None:
                self._replica.append(self._end, lines)
            try:
                _write_all(file, lines)
                os.fsync(file.fileno())
            except BaseException:
                with suppress(OSError):
                    file.truncate(self._end.offset)
                raise
        return end

    @contextmanager
    def _held(self) -> Iterator[FileIO]:
        """Open the journal, which has to be there, and hold its lock, which the kernel takes back from the dead."""
        try:
            with self._path.open("r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield file
        except BlockingIOError:
            raise self._written_by_another() from None
        except OSError as error:
            raise DiskError(described(error, self._path)) from error

    def _written_by_another(self) -> SweeperError:
        return SweeperError(f"{self._path}: written by another process as well, or replaced; this one stops here")


def _sealed(records: list[bytes], end: Position) -> tuple[bytes, Position]:
    """Return the lines of a change that stands at ``end``, and the position after it."""
    *first, last = (record.removesuffix(b"}") for record in records)
    lines = []
    for body in [*(body + _GOES_ON for body in first), last]:
        line, end = end.then(body)
        lines.append(line)
    return b"".join(lines), end


def _write_all(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
