"""A disk that fails at one chosen operation: the process is killed there, or nothing more can be written."""

import errno
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

WRITING = ("mkdir", "rename", "replace", "link", "fsync")
REMOVING = ("unlink", "rmdir")
WRITE_MODES = frozenset("wax+")


class Killed(BaseException):
    """Stands for the end of the process: whatever is tried after it does not happen either."""


class TornFile:
    """A file whose last write, the one that fails, reaches the disk in half."""

    def __init__(self, file: Any, begin: Callable[[str], None]) -> None:
        self._file, self._begin = file, begin

    def write(self, content: Any) -> int:
        try:
            self._begin("write")
        except BaseException:
            self._file.write(content[: len(content) // 2])
            raise
        return self._file.write(content)

    def __enter__(self) -> "TornFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def disk(begin: Callable[[str], None]) -> Iterator[None]:
    """Call ``begin`` with the name of every operation that changes the disk before it is done."""
    open_file = io.open

    def guarded(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **keywords: Any) -> Any:
            begin(name)
            return original(*arguments, **keywords)

        return operation

    def opened(path: Any, mode: str = "r", *arguments: Any, **keywords: Any) -> Any:
        if not WRITE_MODES & set(mode):
            return open_file(path, mode, *arguments, **keywords)
        begin("open")
        return TornFile(open_file(path, mode, *arguments, **keywords), begin)

    with pytest.MonkeyPatch.context() as patch:
        for name in (*WRITING, *REMOVING):
            patch.setattr(os, name, guarded(name, getattr(os, name)))
        patch.setattr(io, "open", opened)
        yield


def operations(act: Callable[[], object], kinds: tuple[str, ...] = ()) -> list[str]:
    """Do something; return the names of its operations, of those kinds alone where some are named."""
    names: list[str] = []
    with disk(names.append):
        act()
    return [name for name in names if not kinds or name in kinds]


@contextmanager
def killed_at(count: int) -> Iterator[None]:
    """Let so many operations through, and kill the process at the next; leave the block when it is killed."""
    done = 0

    def begin(_: str) -> None:
        nonlocal done
        if done == count:
            raise Killed
        done += 1

    with disk(begin):
        try:
            yield
        except Killed:
            return


NEEDING_SPACE = ("open", "write", *WRITING)


@contextmanager
def full_at(count: int) -> Iterator[None]:
    """Let so many operations through that may need space; from then on only removing and closing succeed."""
    done = 0

    def begin(name: str) -> None:
        nonlocal done
        if name not in NEEDING_SPACE:
            return
        if done == count:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done += 1

    with disk(begin):
        yield
