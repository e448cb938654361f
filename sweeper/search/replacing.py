"""A journal put in the place of another, of which nothing is lost: it stays beside the new one."""

import os
from itertools import count
from pathlib import Path

from sweeper.files import bring_to_disk, write_atomically


def put_in_place(path: Path, content: bytes) -> None:
    """Make ``content`` the journal ``path``; one that it does not go on from is kept under the first free number."""
    if path.exists() and not content.startswith(path.read_bytes()):
        keep(path)
    write_atomically(path, content)


def keep(path: Path) -> None:
    """Give a journal a second name, ``study.journal.1`` and so on."""
    names = (path.with_name(f"{path.name}.{number}") for number in count(1))
    os.link(path, next(name for name in names if not name.exists()))
    bring_to_disk(path.parent)
