"""What must come true some time after a kill, and how long it takes."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

INTERVAL = 0.25
"""Seconds between two looks: looking at all processes of a machine costs some milliseconds."""


@dataclass(frozen=True)
class Awaited:
    """Something that is to come true."""

    condition: Callable[[], bool]
    then: Callable[[float], None]
    """Told how many seconds it took."""
    limit: float = math.inf
    fault: Callable[[], str] = str
    """Returns what to say where it takes longer than ``limit`` seconds."""
    since: float = field(default_factory=time.monotonic)


class Watch:
    """Looks now and then at what is awaited."""

    def __init__(self, faults: list[str]) -> None:
        """Write into ``faults`` what has taken too long."""
        self._faults = faults
        self._awaited: list[Awaited] = []
        self._next = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing is awaited any more."""
        return not self._awaited

    def add(self, awaited: Awaited) -> None:
        """Await one thing more."""
        self._awaited.append(awaited)

    def look(self) -> bool:
        """Look at everything where that is due; return whether it was."""
        if time.monotonic() < self._next:
            return False
        self._awaited = [awaited for awaited in self._awaited if not self._settled(awaited)]
        self._next = time.monotonic() + INTERVAL
        return True

    def _settled(self, awaited: Awaited) -> bool:
        seconds = time.monotonic() - awaited.since
        if awaited.condition():
            awaited.then(seconds)
            return True
        if seconds > awaited.limit:
            self._faults.append(f"{awaited.fault()} after {awaited.limit:.0f} s")
            return True
        return False
