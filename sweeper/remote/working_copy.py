"""A folder here with copies of the files that lie directly in a folder of a store."""

import json
from collections.abc import Callable
from pathlib import Path

from sweeper.files import UNFINISHED, read_notes, write_atomically
from sweeper.remote.objects import Objects

_VERSIONS = ".versions.json"
"""The file that says of which version of its object each copy is."""
_LOCK = ".lock"


def lies_in_both(name: str) -> bool:
    """Say whether a file is one to copy: no lock, nothing unfinished, nothing hidden."""
    return not name.endswith((_LOCK, UNFINISHED)) and not name.startswith(".")


class WorkingCopy:
    """The copies, for one process at a time. Every method raises StoreError where the store is of no use."""

    def __init__(self, objects: Objects, folder: Path, wanted: Callable[[str], bool] = lies_in_both) -> None:
        """Copy those files whose name is ``wanted``; others, here and there, are let alone."""
        self._objects = objects
        self._folder = folder
        self._wanted = wanted

    def pull(self) -> bool:
        """Make the copies what the store has; return whether anything had changed there since they were pulled."""
        before, versions = self._versions(), self._listed()
        while not all(self._fetch(name, before.get(name), version) for name, version in versions.items()):
            versions = self._listed()  # What is gone since it was listed has made room for something else.
        for name in self._copies() - versions.keys():
            (self._folder / name).unlink()
        if versions != before:
            write_atomically(self._folder / _VERSIONS, json.dumps(versions).encode())
        return versions != before

    def push(self) -> None:
        """Send every copy."""
        for name in sorted(self._copies()):
            self._objects.send(name, self._folder / name)

    def _listed(self) -> dict[str, str]:
        return {name: listed.version for name, listed in self._objects.here().items() if self._wanted(name)}

    def _fetch(self, name: str, before: str | None, version: str) -> bool:
        """Fetch a file, unless its copy is there in this version; return whether there is such a file."""
        path = self._folder / name
        return (version == before and path.is_file()) or self._objects.fetch(name, path)

    def _copies(self) -> set[str]:
        return {path.name for path in self._folder.iterdir() if path.is_file() and self._wanted(path.name)}

    def _versions(self) -> dict[str, str]:
        """Return the version of each copy; where that cannot be read, all are fetched anew."""
        return read_notes(self._folder / _VERSIONS)
