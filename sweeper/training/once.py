"""What is fetched or computed once on a machine, though several of its processes need it at the same time."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sweeper.cache import cache_folder
from sweeper.locking import locked


@contextmanager
def by_one_process(path: Path) -> Iterator[None]:
    """Wait until no other process of this machine is making the file ``path``, and keep others from it meanwhile.

    Who has waited should look first whether the file is there. The lock is a file of the cache, not of the folder of
    ``path``, which may be on another machine's disk, or not there yet; the kernel frees it when its holder dies. Where
    no lock can be had nobody waits, which costs time alone: what is made must be whole whenever it is there.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(locked(_lock_file(path), wait=True))
        yield


def _lock_file(path: Path) -> Path:
    """Return the file to lock, in a folder that is made."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / hashlib.sha256(bytes(path.absolute())).hexdigest()
