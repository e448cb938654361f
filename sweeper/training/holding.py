"""One process at a time writes into the folder of a trial."""

import errno
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sweeper.locking import HeldError, locked

LOCK = "worker.lock"
PATIENCE = 60.0
"""Seconds to wait for a folder that another process holds. A worker whose driver was killed ends sooner than that."""

_PAUSE = 0.1


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder of a trial, which is made where it does not exist, as long as the context lasts.

    A driver may be killed and its sweep resumed before the workers of the first have noticed. Raises TimeoutError
    where the other process is there for longer than `PATIENCE`.
    """
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        _wait_for(folder, stack)
        yield


def _wait_for(folder: Path, stack: ExitStack) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return stack.enter_context(locked(folder / LOCK, wait=False))
        except HeldError:
            if time.monotonic() > deadline:
                reason = f"another process has been writing here for {PATIENCE:.0f} s"
                raise TimeoutError(errno.ETIMEDOUT, reason, str(folder)) from None
        time.sleep(_PAUSE)
