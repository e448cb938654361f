"""What is wrong with a disk, told in one line with what to do about it."""

import errno
import os
import shutil
from pathlib import Path

from sweeper.errors import SweeperError
from sweeper.spec.quantities import shown_bytes

_FULL = (errno.ENOSPC, errno.EDQUOT)
_REMEDY: dict[int | None, str] = {
    **dict.fromkeys(_FULL, "make room"),
    errno.EFBIG: "raise the limit",
    **dict.fromkeys((errno.EROFS, errno.EACCES, errno.EPERM), "make it writable"),
}


class DiskError(SweeperError):
    """A sweep cannot write, and has ended in order: it goes on from there once that is put right."""


def described(error: OSError, folder: Path) -> str:
    """Return what went wrong in or below ``folder``, where, how much is free, and what to do.

    Python knows the name of a file that cannot be opened, but not of one that cannot be written to.
    """
    path = folder if error.filename is None else Path(os.fsdecode(error.filename))
    problem = error.strerror or str(error)
    free = f" ({shown_bytes(_free(path))} free)" if error.errno in _FULL else ""
    return f"{problem[:1].lower()}{problem[1:]}: {path}{free}; {_REMEDY.get(error.errno, 'see to that')}"


def _free(path: Path) -> int:
    """Return the bytes that are free where ``path`` is, or would be."""
    return shutil.disk_usage(next(place for place in (path, *path.absolute().parents) if place.exists())).free
