"""Files that are either the old one or the new one, never half of one."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal
from uuid import uuid4

UNFINISHED = ".new"
"""How a `temporary_name` ends."""


PRIVATE = 0o600
"""The mode of a file that nobody but its owner may read."""
_USUAL = 0o666
"""That of all others, from which the umask takes what nobody is to have."""


def write_atomically(path: Path, content: bytes, mode: int = _USUAL) -> None:
    """Write ``content`` under a name of its own, bring it to the disk, and rename it over ``path``.

    The file has its ``mode`` from the first moment on.
    """
    copy_atomically(BytesIO(content), path, mode)


def copy_atomically(source: BinaryIO, path: Path, mode: int = _USUAL) -> None:
    """Write what is left to read of ``source`` as `write_atomically` does, piece by piece."""
    temporary = temporary_name(path)
    try:
        temporary.touch(mode, exist_ok=False)
        with opened_durably(temporary, "wb") as file:
            shutil.copyfileobj(source, file)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    bring_to_disk(path.parent)


def read_notes(path: Path) -> dict[str, Any]:
    """Return the JSON mapping in a file; an empty one where it cannot be read: for what is only work to find anew."""
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def opened_durably(path: Path, mode: Literal["wb", "ab"]) -> Iterator[BinaryIO]:
    """Open a file to write to, and close it once its content would outlive a loss of power."""
    with path.open(mode) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def temporary_name(path: Path) -> Path:
    """Return a name beside ``path`` that no other process uses; ``<name>.*.new`` are those that a kill left behind."""
    return path.with_name(f"{path.name}.{uuid4().hex}{UNFINISHED}")


def remove_left_behind(folder: Path) -> None:
    """Remove what a kill has left in ``folder``, and in the folders in it, under a `temporary_name`."""
    for path in sorted(folder.rglob(f"*.*{UNFINISHED}")):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def bring_to_disk(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, would outlive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
