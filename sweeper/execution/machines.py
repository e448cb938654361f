"""Machines that come and go while a sweep runs, as far as the dispatcher has to do with them."""

from collections.abc import Callable
from typing import Protocol


class Machines(Protocol):
    """The machines of a cluster."""

    def room(self) -> int:
        """Return how many trials may be at work now: one in any case, which waits where no machine has room for it."""
        ...

    def ask(self, waiting: Callable[[], float]) -> None:
        """Have more machines started, where they can be, for as many trials as could begin but find no room."""
        ...
