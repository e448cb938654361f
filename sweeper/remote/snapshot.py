"""A copy of a trial's folder, worked on here and kept in an object store as a snapshot of all its files."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sweeper.errors import SweeperError
from sweeper.remote.local_files import LocalFiles
from sweeper.remote.manifest import Content, is_in
from sweeper.remote.objects import Objects, StoreError
from sweeper.remote.trial_objects import TrialObjects

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_AT_ONCE = 4
"""Contents sent, or fetched, at the same time."""
_ATTEMPTS = 10
"""How often to begin again where the trial goes on while its files are fetched."""


class TrialCopy:
    """One copy of a trial's folder, for a worker (`claim`, `push`) or for a reader (`fetch`).

    Every method raises StoreError where the store is of no use, and OSError where the disk under the copy is.
    """

    def __init__(self, objects: Objects, folder: Path, ignored: Sequence[str] = ()) -> None:
        """Keep a copy in ``folder`` of what is in ``objects``, the trial's own.

        Files and folders whose name matches one of ``ignored`` are none of a snapshot's.
        """
        self._objects = objects
        self._stored = TrialObjects(objects)
        self._files = LocalFiles(folder, ignored)

    def claim(self) -> list[str]:
        """Make the trial one's own and fetch all that there is of it: other writers are refused from now on.

        Returns a line for each object that is damaged or gone; its files are left out. Raises ChangedError where others
        claim the trial all the time, and SweeperError where its snapshot is damaged.
        """
        self._stored.claim()
        self._stored.remove_unnamed()
        return self._bring(self._stored.files, self._files.scan())

    def push(self) -> None:
        """Store the folder as it is now: afterwards the snapshot is this one, and until then the one before.

        Raises ChangedError, with nothing of it stored, where another writer has claimed the trial.
        """
        files = self._files.scan()
        there = {content.key for content in self._stored.files.values()}
        new = {content.key: name for name, content in files.items() if content.key not in there}
        _each(lambda key: self._objects.send(key, self._files.path(new[key])), new)
        self._stored.write(files)

    def fetch(self, parts: Iterable[str]) -> None:
        """Make files, or all that is in folders such as ``best``, here what they are in one snapshot; for readers.

        What the snapshot has not is not here either then. Raises SweeperError, one line that names the object, where
        one is damaged or gone.
        """
        parts = tuple(parts)
        self._stored.read()
        for _ in range(_ATTEMPTS):
            wanted = {name: content for name, content in self._stored.files.items() if is_in(name, parts)}
            there = {name: content for name, content in self._files.scan().items() if is_in(name, parts)}
            damage = self._bring(wanted, there)
            if not damage:
                return
            if not self._stored.read():  # Otherwise the trial has gone on, and what was missing is needed no more.
                raise SweeperError(damage[0])
        raise StoreError(f"{self._objects.url}: changes faster than it can be read")

    def _bring(self, wanted: Mapping[str, Content], there: Mapping[str, Content]) -> list[str]:
        """Make files here, ``there`` now, what is wanted; return a line for each object that cannot be used."""
        for name in there.keys() - wanted.keys():
            self._files.remove(name)
        missing: defaultdict[Content, list[str]] = defaultdict(list)
        for name, content in wanted.items():
            if there.get(name) != content:
                missing[content].append(name)
        damage = _each(lambda content: self._bring_content(content, *missing[content]), missing)
        return [line for line in damage if line is not None]

    def _bring_content(self, content: Content, name: str, *others: str) -> str | None:
        """Fetch what is to be in some files; return a line where the object cannot be used."""
        path = self._files.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        damage = None
        if not self._objects.fetch(content.key, path):
            damage = "is gone"
        elif self._files.content(name) != content:
            damage = "is damaged"
        if damage is not None:
            for each in (name, *others):
                self._files.remove(each)
            return f"{self._objects.url}/{content.key}: {damage} ({name})"
        for other in others:
            self._files.repeat(name, other)
        return None


def _each(work: Callable[[_Task], _Result], tasks: Iterable[_Task]) -> list[_Result]:
    """Do work on all tasks, some at a time; raise what the first raises that fails, once no other is in work."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, tasks))
