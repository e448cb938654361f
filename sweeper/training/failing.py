"""What an exception in a trial is a fault of: the model, the trial's share of memory, or the disk.

Told by what the exception is and says, without torch: a simulated trial does without it.
"""

import errno
import os
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from sweeper.disk import described
from sweeper.errors import one_line
from sweeper.spec.quantities import UNITS, parse_quantity
from sweeper.training.job import Failure

ERROR_FILE = "error.txt"
"""The name of the file in a trial's folder that says, with a traceback, what went wrong in it last."""

_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory|STATUS_ALLOC_FAILED")
"""What PyTorch says on an accelerator, its allocator of main memory on Linux and elsewhere, and Nvidia's libraries."""
_ASKED = re.compile(r"(?:tried to|Unable to) allocate (\d+(?:\.\d+)?) (bytes|[KMGT]iB)", re.IGNORECASE)
_HELD = re.compile(r"(\d+(?:\.\d+)? [KMGT]?i?B) is allocated by PyTorch")
_CODE = re.compile(r"\(os error (\d+)\)|\bOs \{ code: (\d+)")
"""How Rust, in which safetensors is written, words what would be an OSError."""

_ANY_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What may come of any write, without the name of the file."""
_DISK = (*_ANY_WRITE, errno.EIO, errno.EFBIG, errno.ESTALE, errno.EACCES, errno.EPERM, errno.ETIMEDOUT)
"""What is no fault of a trial where it comes of a file in the trial's folder."""


def failure_of(error: BaseException, folder: Path) -> Failure:
    """Return why the trial in ``folder`` cannot go on after ``error``, in one line.

    An exception that was raised from another is judged by the first of them that is no fault of the model.
    """
    for cause in _causes(error):
        if _is_want_of_memory(cause):
            return Failure(f"out of memory: {_need(str(cause))}", "out_of_memory")
        if (disk := _of_the_disk(cause, folder)) is not None:
            return Failure(described(disk, folder), "storage")
    return Failure(one_line(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_want_of_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)) is not None
    )


def _need(message: str) -> str:
    """Return how much memory a trial needed, as far as it is known: what it held, and what it asked for in vain.

    On an accelerator PyTorch says both. In main memory the trial's process held the most that it ever did.
    """
    held_there, asked = _HELD.search(message), _ASKED.search(message)
    held = parse_quantity(held_there[1]) if held_there else peak_resident()
    if asked is None:
        return f"needed more than {_mebibytes(held)} MiB"
    more = float(asked[1]) * UNITS.get(asked[2], 1)
    return f"needed at least {_mebibytes(held + more)} MiB (had {_mebibytes(held)}, asked for {_mebibytes(more)} more)"


def peak_resident() -> int:
    """Return the most bytes of main memory that this process ever had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * UNITS["KiB"]


def _mebibytes(count: float) -> str:
    return f"{count / UNITS['MiB']:,.0f}"


def _of_the_disk(error: BaseException, folder: Path) -> OSError | None:
    """Return what is wrong with the disk under ``folder``; ``None`` where ``error`` says nothing of it.

    A file elsewhere that a model cannot open is the model's own affair.
    """
    problem = _of_the_system(error)
    if problem is None:
        return None
    if problem.errno == errno.ENOENT:
        return None if folder.exists() else problem
    path = problem.filename
    ours = isinstance(path, str | bytes | os.PathLike) and Path(os.fsdecode(path)).is_relative_to(folder)
    return problem if problem.errno in (_ANY_WRITE if path is None else _DISK if ours else ()) else None


def _of_the_system(error: BaseException) -> OSError | None:
    """Return what the operating system said; safetensors words that in its own way."""
    if isinstance(error, OSError):
        return error
    found = _CODE.search(str(error)) if type(error).__name__ == "SafetensorError" else None
    if found is None:
        return None
    code = int(found[1] or found[2])
    return OSError(code, os.strerror(code))
