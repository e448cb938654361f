"""Requests to end that come as signals: each ends a sweep as Ctrl-C does, with its state saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

REQUESTS = (signal.SIGTERM, signal.SIGHUP)
"""From a service manager or the notice of a spot instance; from a terminal that was closed."""


@contextmanager
def taken_for_ctrl_c() -> Iterator[None]:
    """Answer the requests as Ctrl-C is answered at the moment; one that is ignored stays so, as ``nohup`` wants it."""
    before = {request: signal.getsignal(request) for request in REQUESTS}
    heeded = {request: handler for request, handler in before.items() if handler != signal.SIG_IGN}
    for request in heeded:
        signal.signal(request, _press_ctrl_c)
    try:
        yield
    finally:
        for request, handler in heeded.items():
            signal.signal(request, handler)


def _press_ctrl_c(_request: int, frame: FrameType | None) -> None:
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # A shell's script starts what it puts in the background with Ctrl-C ignored.
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)
