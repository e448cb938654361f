"""The note in which the driver of a sweep says who it is and that it lives."""

import getpass
import json
import os
import socket
import time
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Self, get_type_hints
from uuid import uuid4

_SIZE = 1024
"""Bytes of a note, whatever it says: written over itself it takes no more room on the disk, even on a full one."""

_BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux names the run of the kernel, another one after each start of a machine."""


@dataclass(frozen=True)
class OwnerNote:
    """Who runs a sweep. Moments are for people to read; nothing is decided by comparing them."""

    token: str
    """Differs between any two drivers."""
    host: str
    machine: str
    """Equal for processes that one kernel runs, between which its file locks are sure to work."""
    pid: int
    user: str
    began: str
    alive: str
    """The moment of the last sign of life."""
    uptime: float
    """The same in seconds of the machine's own clock that nobody sets."""
    beats: int = 0
    """Signs of life so far."""
    left: bool = False
    """Whether the driver has left its sweep in order."""

    @classmethod
    def of_this_process(cls) -> Self:
        """Return the note with which this process begins to drive a sweep."""
        now = _now()
        return cls(uuid4().hex, socket.gethostname(), _machine(), os.getpid(), _user(), now, now, time.monotonic())

    def beat(self) -> Self:
        """Return the note with one more sign of life."""
        return replace(self, beats=self.beats + 1, alive=_now(), uptime=time.monotonic())

    def wrote(self, content: bytes) -> bool:
        """Say whether the same driver has written the content of a note."""
        return self.token.encode() in content

    @property
    def on_this_machine(self) -> bool:
        """Whether the kernel that runs this process ran the one that wrote the note."""
        return self.machine == _machine()

    @property
    def age(self) -> str:
        """Return in words when the last sign of life was."""
        if not self.on_this_machine:
            return f"at {self.alive}"
        return f"{max(0, time.monotonic() - self.uptime):.0f} s ago"

    def __str__(self) -> str:
        return f"process {self.pid} on host {self.host}"


def written(note: OwnerNote) -> bytes:
    """Return the content that `parse_note` reads."""
    return json.dumps(asdict(note)).encode().ljust(_SIZE)


def parse_note(content: bytes) -> OwnerNote | None:
    """Return the note in the content of a file, ``None`` where that is not one of ours."""
    try:
        found = json.loads(content)
    except ValueError:
        return None
    types = get_type_hints(OwnerNote)
    if not isinstance(found, dict) or any(type(found.get(field.name)) is not types[field.name] for field in _FIELDS):
        return None
    values = {field.name: found[field.name] for field in _FIELDS}
    # It is shown on terminals, and may have come with somebody else's sweep.
    return OwnerNote(**values) if all(str(value).isprintable() for value in values.values()) else None


_FIELDS = fields(OwnerNote)


def _machine() -> str:
    return _BOOT.read_text().strip() if _BOOT.exists() else socket.gethostname()


def _now() -> str:
    return f"{datetime.now():%Y-%m-%d %H:%M:%S}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container whose user has no name.
        return str(os.getuid())
