"""The journal's file made equal to its replica, or the replica to a file that goes on from it.

A change is in the replica before it is in the file. So a file that holds more was written where its replica was not
named, or the replica has lost something: what it holds is decided, and goes on. A file that contradicts was overtaken.
"""

from pathlib import Path

from sweeper.search.journal import JournalReader, end_of
from sweeper.search.replacing import put_in_place
from sweeper.search.replica import Replica

_END = b"\n"


def synchronize(path: Path, replica: Replica) -> None:
    """Make the journal ``path`` and its replica equal, and tell it where the replica was behind.

    A file that contradicts is kept beside the new one. Raises SweeperError where what would be gone on with is damaged.
    """
    truth = replica.load()
    end_of(truth, replica.place)
    content = path.read_bytes() if path.exists() else b""
    if not content.startswith(truth):
        put_in_place(path, truth)
    elif content and (copy := content[: JournalReader(path).whole().offset]) != truth:
        bring_up(replica, truth, copy)
        replica.tell(f"{lacking(replica.place, truth, copy)} of {path}; written there")


def bring_up(replica: Replica, known: bytes, content: bytes) -> None:
    """Make a replica, in which ``known`` is, hold ``content``."""
    if not content.startswith(known):
        replica.replace(content)
    elif content != known:
        replica.append(end_of(known, replica.place), content[len(known) :])


def lacking(place: str, known: bytes, content: bytes) -> str:
    """Say how much of ``content`` a place lacks in which ``known`` is."""
    lines = content.count(_END)
    return f"{place} lacked {lines - known.count(_END)} of the {lines} lines"
