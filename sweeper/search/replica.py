"""A second place for the journal, of which the file in the sweep's folder is then a copy: what such a place must do.

Each change is there before it is in the file, so that the machine with the file may be lost at any moment.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from sweeper.search.journal import Position

Tell: TypeAlias = Callable[[str], None]
"""What takes a line for the user."""


def tell_nobody(_line: str) -> None:
    """Tell nobody."""


class Replica(Protocol):
    """Where a journal is kept beside its file; the truth, wherever the two differ.

    Everything written names what it goes on from. A writer that another one has overtaken is refused (SweeperError),
    and nothing is changed.
    """

    @property
    def tell(self) -> Tell:
        """What takes the line that says where a place lacked something, which it has from another one now."""
        ...

    @property
    def place(self) -> str:
        """Where it is, as messages name it: without secrets."""
        ...

    def load(self) -> bytes:
        """Return the whole journal, nothing where there is none; what is written from now on goes on from this."""
        ...

    def append(self, before: Position, lines: bytes) -> None:
        """Write a change that stands at ``before``, the journal's end; it is there as a whole or not at all."""
        ...

    def replace(self, content: bytes) -> None:
        """Put another journal in the place of the one that is known; it is there as a whole or not at all."""
        ...

    def close(self) -> None:
        """Wait for what is written behind, and leave the place."""
        ...
