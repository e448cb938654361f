"""How long a driver that has ended waits for its mirror: until a moment that the mirror puts off while it gets on.

The mirror knows what it is waiting for, and cannot tell while it is waiting. So it says beforehand how long its next
step may take, in a cell that both processes have: a file without a name, of one number.
"""

import os
import struct
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

WORK = 60.0
"""Seconds for what the mirror does by itself, the import of MLflow above all, on a machine that is busy."""
FIRST_ANSWER = 2.0
"""Seconds for the first answer of a server, and for its first after a failure."""
ANSWER = 10.0
"""Seconds for an answer, to an upload as well, where there was one before."""

_CELL = struct.Struct("d")


def new_cell() -> IO[bytes]:
    """Return a cell to make leases of in this process and its children."""
    return tempfile.TemporaryFile()


class Lease:
    """The moment until which the driver waits, on the clock that all processes of a machine share."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def extend(self, seconds: float) -> None:
        """Ask for so many seconds from now; without room for a number on disk the driver waits less."""
        with suppress(OSError):
            os.pwrite(self._descriptor, _CELL.pack(time.monotonic() + seconds), 0)

    @property
    def left(self) -> float:
        """Seconds from now, negative where the moment has passed; none where nothing was ever asked for."""
        content = os.pread(self._descriptor, _CELL.size, 0)
        return _CELL.unpack(content)[0] - time.monotonic() if len(content) == _CELL.size else 0.0


class Leasing:
    """An `MlflowClient` each of whose calls takes a lease for the answer, and another for the work that follows it."""

    def __init__(self, client: Any, lease: Lease, first: float = FIRST_ANSWER) -> None:
        self._client = client
        self._lease = lease
        self._patience = first

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            self._lease.extend(self._patience)
            answer = method(*arguments, **keywords)
            self._patience = ANSWER
            self._lease.extend(WORK)
            return answer

        return call
