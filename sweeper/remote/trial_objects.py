"""The objects of one trial: contents under their hashes, and the snapshot that says which of them are its files.

The snapshot is written last, and in the place of the one that its writer knows. So it is whole at any moment, and
whoever was cut off and comes back finds another writer's in its place, and changes nothing.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from uuid import uuid4

from sweeper.remote.manifest import CONTENTS, MANIFEST, Content, Manifest, is_in
from sweeper.remote.objects import ChangedError, Objects, Version

_ATTEMPTS = 10
"""How often to ask again for what others change meanwhile."""


class TrialObjects:
    """The objects of a trial for one reader or writer. Every method raises StoreError where the store is of no use."""

    def __init__(self, objects: Objects) -> None:
        """Read and write below ``objects``, which are the trial's alone."""
        self._objects = objects
        self._writer = uuid4().hex
        self._manifest = Manifest(self._writer, {})
        self._version: Version | None = None

    @property
    def files(self) -> Mapping[str, Content]:
        """The files of the snapshot as it was last read or written."""
        return self._manifest.files

    def read(self) -> bool:
        """Read the snapshot; return whether it is another one than before.

        Raises SweeperError, one line, where it is damaged.
        """
        before, found = self._version, self._objects.read(MANIFEST)
        if found is None:
            self._manifest, self._version = Manifest(self._writer, {}), None
        else:
            manifest = Manifest.from_bytes(found.content, f"{self._objects.url}/{MANIFEST}")
            self._manifest, self._version = manifest, found.version
        return self._version != before

    def claim(self) -> None:
        """Make the trial this writer's own: whoever wrote before is refused from now on.

        Raises ChangedError where others claim it all the time.
        """
        for _ in range(_ATTEMPTS - 1):
            with suppress(ChangedError):
                return self._claim()
        return self._claim()

    def write(self, files: Mapping[str, Content]) -> None:
        """Write a snapshot, whose contents are all there, and remove the objects that only the one before needed.

        Raises ChangedError, with nothing changed, where the snapshot is another one than this writer has read or
        written.
        """
        before = self._manifest.keys
        self._replace(files)
        if gone := before - self._manifest.keys:
            self._objects.remove(gone)

    def drop(self, parts: Iterable[str]) -> None:
        """Take files, or all that is in folders such as ``best``, out of the snapshot; whoever wrote it is refused.

        Raises ChangedError, with nothing changed, where another one writes at the same time.
        """
        self.read()
        if self._version is None:
            return
        parts = tuple(parts)
        self.write({name: content for name, content in self.files.items() if not is_in(name, parts)})

    def tidy(self) -> None:
        """Remove what a writer that was killed has left: objects that the snapshot does not name.

        That writer, should it still be alive, is refused first: it may be about to name them. Raises as `drop` does.
        """
        self.read()
        if self._version is not None and self._unnamed():
            self._replace(self.files)
            self.remove_unnamed()

    def remove_unnamed(self) -> None:
        """Remove objects that the snapshot does not name; to be called by who has just written it."""
        if unnamed := self._unnamed():
            self._objects.remove(unnamed)

    def _claim(self) -> None:
        self.read()
        self._replace(self.files)

    def _replace(self, files: Mapping[str, Content]) -> None:
        manifest = Manifest(self._writer, files)
        self._version = self._objects.write(MANIFEST, manifest.to_bytes(), self._version)
        self._manifest = manifest

    def _unnamed(self) -> list[str]:
        there, named = self._objects.below(CONTENTS).keys(), self._manifest.keys
        return [key for found in there if (key := f"{CONTENTS}/{found}") not in named]
