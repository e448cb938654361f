"""What a sweep tells those who watch it. Watching never changes what happens."""

from typing import Protocol

from sweeper.search import Assignment, Decision, Report


class Listener(Protocol):
    """Told of everything after it is written down."""

    def begun(self, assignment: Assignment) -> None:
        """A trial was handed to a worker, for the first time or again."""
        ...

    def reported(self, assignment: Assignment, report: Report, decision: Decision) -> None:
        """A trial reported an epoch, and the sweep decided."""
        ...

    def failed(self, assignment: Assignment, reason: str) -> None:
        """A trial failed."""
        ...

    def told(self, message: str) -> None:
        """Something was found out that the sweep goes by; the message says in one line what."""
        ...

    def warned(self, message: str) -> None:
        """Something beside the trials went wrong; the message says in one line what, and what to do."""
        ...


class Silent:
    """A listener that does nothing."""

    def begun(self, assignment: Assignment) -> None:
        """Do nothing."""

    def reported(self, assignment: Assignment, report: Report, decision: Decision) -> None:
        """Do nothing."""

    def failed(self, assignment: Assignment, reason: str) -> None:
        """Do nothing."""

    def told(self, message: str) -> None:
        """Do nothing."""

    def warned(self, message: str) -> None:
        """Do nothing."""
