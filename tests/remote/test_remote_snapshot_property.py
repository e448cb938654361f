"""Protects a trial's snapshots from kills: whatever is written, and at whichever request the process ends, the next
worker finds all files as they were at one push, and never less than the last push that has returned.
"""

import random
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.memory_objects import Cut, MemoryObjects

from sweeper.remote.manifest import MANIFEST, Manifest
from sweeper.remote.objects import ChangedError
from sweeper.remote.snapshot import TrialCopy
from sweeper.remote.trial_objects import TrialObjects

NAMES = ("metrics.jsonl", "last/model", "last/state", "best/model", "error.txt")
Files = dict[str, bytes]


class Trial:
    """A trial in a store, with the workers that had it, and what its next worker may find."""

    def __init__(self, folder: Path) -> None:
        self.objects = MemoryObjects()
        self._folder = folder
        self._left = -1
        self.objects.before = self._count
        self.allowed: list[Files] = [{}]
        self.workers: list[tuple[TrialCopy, Path]] = []

    def _count(self, request: str) -> None:
        self._left -= 1
        if self._left == 0:
            raise Cut

    def cut(self, after: int) -> None:
        """Let the process end at one of the next requests; 0 for none of them."""
        self._left = after

    def claim(self) -> None:
        """Take the trial with a new worker, which must find what it may find."""
        folder = self._folder / str(len(self.workers))
        folder.mkdir()
        copy = TrialCopy(self.objects, folder)
        self.workers.append((copy, folder))
        damage = copy.claim()
        assert damage == []
        found = files(folder)
        assert found in self.allowed
        self.allowed = [found]
        self.check()

    def push(self, edits: Files, removed: list[str]) -> None:
        """Write into the folder of the newest worker, and push that."""
        copy, folder = self.workers[-1]
        for name, content in edits.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).unlink(missing_ok=True)
            (folder / name).write_bytes(content)
        for name in removed:
            (folder / name).unlink(missing_ok=True)
        self._replace(files(folder), copy.push)

    def push_late(self, worker: int) -> None:
        """Let a worker push that was cut off, and that does not know of those after it."""
        copy, folder = self.workers[worker % (len(self.workers) - 1)]
        (folder / "metrics.jsonl").write_bytes(random.Random(worker).randbytes(3))
        with suppress(ChangedError):
            copy.push()
            raise AssertionError("it was not refused")

    def drop(self, part: str) -> None:
        """Let a collector remove a part, whatever the newest worker may be about to do."""
        (there,) = self.allowed
        rest = {name: content for name, content in there.items() if not name.startswith(f"{part}/")}
        self._replace(rest, lambda: TrialObjects(self.objects).drop([part]))

    def _replace(self, after: Files, work: Callable[[], None]) -> None:
        """Do work after which the files are others; where it is cut off, they are those or still the ones before."""
        before = self.allowed
        self.allowed = [*before, after]
        try:
            work()
        except ChangedError:
            self.allowed = before
            raise
        self.allowed = [after]
        self.check()

    def check(self) -> None:
        """Check that there is every object that the snapshot names."""
        found = self.objects.read(MANIFEST)
        assert found is not None
        assert Manifest.from_bytes(found.content, MANIFEST).keys <= set(self.objects.keys())


def files(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


contents = st.binary(max_size=2)  # Short, so that equal ones come up again.
pushes = st.tuples(
    st.just("push"), st.dictionaries(st.sampled_from(NAMES), contents), st.lists(st.sampled_from(NAMES), max_size=2)
)
cuts = st.tuples(st.just("cut"), st.integers(1, 12))
late = st.tuples(st.just("push_late"), st.integers(0, 5))
drops = st.tuples(st.just("drop"), st.sampled_from(["last", "best"]))
steps = st.lists(st.one_of(pushes, pushes, cuts, late, drops, st.tuples(st.just("claim"))), min_size=3, max_size=25)


@settings(max_examples=100, deadline=None)
@given(steps=steps)
def test_the_next_worker_finds_one_snapshot_whatever_happened_before(steps: list[tuple[object, ...]]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        trial = Trial(folder)
        trial.claim()
        for name, *arguments in steps:
            try:
                if name != "push_late" or len(trial.workers) > 1:
                    getattr(trial, str(name))(*arguments)
            except (Cut, ChangedError):  # The second, since something was dropped.
                trial.cut(0)
                trial.claim()
        trial.cut(0)
        trial.claim()
        found = trial.objects.read(MANIFEST)
        assert found is not None
        named = Manifest.from_bytes(found.content, MANIFEST).keys
        assert set(trial.objects.keys()) == {MANIFEST, *named}, "what nobody names has stayed"
    finally:
        shutil.rmtree(folder)
