"""Following a sweep that runs: send what is new every few seconds, and the rest when its driver ends."""

import os
import select
import sys
import time
from typing import get_args

from sweeper.tracking.mirror import Mirror
from sweeper.tracking.process import Outcome

INTERVAL = 2.0
"""Seconds between rounds. Fewer would make more and smaller requests and take computing time from training."""
LONGEST_INTERVAL = 60.0
"""Seconds between attempts while MLflow is away."""
PATIENCE = 10.0
"""Seconds for which the last synchronisation is tried again before it is left to `sweeper sync`."""

_FIRST_PAUSE = 0.25


class Driver:
    """The sweep's driver as its end of our standard input tells of it: a word at the end, or silence where it died."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def wait(self, seconds: float) -> Outcome | None:
        """Return how the sweep ended, as soon as it has; ``None`` where it goes on after ``seconds``."""
        readable, _, _ = select.select([self._descriptor], [], [], seconds)
        if not readable:
            return None
        word = os.read(self._descriptor, 64).decode().strip()
        return next((outcome for outcome in get_args(Outcome) if outcome == word), "interrupted")


def follow(mirror: Mirror, driver: Driver, patience: float = PATIENCE) -> int:
    """Mirror a sweep until its driver ends; return the exit code, 1 where not everything has arrived."""
    interval = 0.0
    while (outcome := driver.wait(interval)) is None:
        interval = INTERVAL if mirror.synchronise() else min(max(2 * interval, INTERVAL), LONGEST_INTERVAL)
    if _send_rest(mirror, outcome, patience):
        return 0
    print(mirror.lacking(), file=sys.stderr)  # noqa: T201 -- standard error is the sweep's tracking.log
    return 1


def _send_rest(mirror: Mirror, outcome: Outcome, patience: float) -> bool:
    deadline, pause = time.monotonic() + patience, _FIRST_PAUSE
    while not mirror.synchronise(outcome):
        if time.monotonic() + pause > deadline:
            return False
        time.sleep(pause)
        pause *= 2
    return True
