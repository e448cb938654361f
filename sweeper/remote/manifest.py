"""What a snapshot of a trial's folder says: which files there are, and which content each has."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self

from sweeper.errors import SweeperError

MANIFEST = "snapshot.json"
CONTENTS = "files"
"""The folder of objects that hold contents."""

_HASH = re.compile(r"[0-9a-f]{64}")
_HASH_IN_KEY = 32
"""Hexadecimal digits of a hash that name an object: enough that no two contents share them."""


@dataclass(frozen=True)
class Content:
    """What is in a file."""

    hash: str
    """SHA-256, in hexadecimal digits."""
    size: int
    """In bytes."""

    @property
    def key(self) -> str:
        """The key of the object that holds it."""
        return f"{CONTENTS}/{self.hash[:_HASH_IN_KEY]}"


@dataclass(frozen=True)
class Manifest:
    """A snapshot: the files of a folder by their names, relative to it, and who wrote it."""

    writer: str
    """A token that no other writer has: where two write the same files, their snapshots still differ."""
    files: Mapping[str, Content]

    @property
    def keys(self) -> frozenset[str]:
        """The keys of the objects that it needs."""
        return frozenset(content.key for content in self.files.values())

    def to_bytes(self) -> bytes:
        """Return it as JSON."""
        files = {name: {"hash": content.hash, "size": content.size} for name, content in sorted(self.files.items())}
        return json.dumps({"writer": self.writer, "files": files}, indent=1).encode()

    @classmethod
    def from_bytes(cls, text: bytes, place: str) -> Self:
        """Return what was written to ``place``; raise SweeperError, one line, where it is damaged."""
        try:
            values = json.loads(text)
            files = {_checked(name): _content(value) for name, value in values["files"].items()}
            return cls(str(values["writer"]), files)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise SweeperError(f"{place}: is damaged ({' '.join(str(error).split())})") from error


def is_in(name: str, parts: Iterable[str]) -> bool:
    """Say whether a file is one of ``parts``, or in a folder that is, such as ``best``."""
    return any(name == part or name.startswith(f"{part.rstrip('/')}/") for part in parts)


def _content(value: Mapping[str, Any]) -> Content:
    content = Content(str(value["hash"]), int(value["size"]))
    if not _HASH.fullmatch(content.hash) or content.size < 0:
        raise ValueError(f"found {content.hash} of {content.size} bytes")
    return content


def _checked(name: str) -> str:
    """Return the name of a file that is really below the folder, whoever wrote it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or str(path) != name or name == ".":
        raise ValueError(f"found the file name {name!r}")
    return name
