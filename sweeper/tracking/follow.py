"""Following a sweep that runs: send what is new every few seconds, and the rest when its driver ends."""

import os
import select
import sys
import time
from secrets import SystemRandom
from typing import get_args

from sweeper.tracking.lease import WORK, Lease
from sweeper.tracking.mirror import Mirror
from sweeper.tracking.process import Outcome

INTERVAL = 2.0
"""Seconds between rounds. Fewer would make more and smaller requests and take computing time from training."""
LONGEST_INTERVAL = 60.0
"""Seconds between attempts while MLflow is away."""
PATIENCE = 2.0
"""Seconds for which the last synchronisation is tried again before it is left to `sweeper sync`. Where MLflow was away
before, it is tried once."""

_FIRST_PAUSE = 0.25
_SPREAD = 0.25
"""By how much of itself an interval may differ: a server that comes back is not asked by all sweeps at once."""


class Driver:
    """The sweep's driver as its end of our standard input tells of it: a word at the end, or silence where it died."""

    def __init__(self, descriptor: int, lease: Lease) -> None:
        self._descriptor = descriptor
        self._lease = lease

    def wait(self, seconds: float) -> Outcome | None:
        """Return how the sweep ended, as soon as it has; ``None`` where it goes on after ``seconds``."""
        self._lease.extend(seconds + WORK)
        readable, _, _ = select.select([self._descriptor], [], [], seconds)
        if not readable:
            return None
        word = os.read(self._descriptor, 64).decode().strip()
        return next((outcome for outcome in get_args(Outcome) if outcome == word), "interrupted")

    def keep_waiting(self, seconds: float) -> None:
        """Let a sweep that has ended wait for so many seconds, and for what is done after them."""
        self._lease.extend(seconds + WORK)
        time.sleep(seconds)


def follow(mirror: Mirror, driver: Driver, patience: float = PATIENCE) -> int:
    """Mirror a sweep until its driver ends; return the exit code, 1 where not everything has arrived."""
    interval = 0.0
    while (outcome := driver.wait(_spread(interval))) is None:
        interval = INTERVAL if mirror.synchronise() else min(max(2 * interval, INTERVAL), LONGEST_INTERVAL)
    if _send_rest(mirror, outcome, driver, 0.0 if mirror.problem else patience):
        return 0
    print(mirror.lacking(), file=sys.stderr)  # noqa: T201 -- standard error is the sweep's tracking.log
    return 1


def _spread(interval: float) -> float:
    return interval * SystemRandom().uniform(1 - _SPREAD, 1 + _SPREAD)


def _send_rest(mirror: Mirror, outcome: Outcome, driver: Driver, patience: float) -> bool:
    """Send what is left; return whether all of it has arrived.

    The mirror of an earlier driver that was killed is waited for: it sends what there was then, and ends.
    """
    began, pause = time.monotonic(), _FIRST_PAUSE
    while not mirror.synchronise(outcome):
        allowed = WORK if mirror.held else patience
        if time.monotonic() + pause > began + allowed:
            return False
        driver.keep_waiting(pause)
        pause *= 2
    return True
