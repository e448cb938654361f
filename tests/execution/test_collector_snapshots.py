"""Protects trials in an object store: the collector removes there what it would on a disk, and fetches nothing."""

from pathlib import Path
from threading import Barrier

import pytest
from collected import BEST_FILES, EVERYTHING, LAST_FILES, NUMBERS, OTHERS, STATE, WEIGHTS, fill, policy
from support.memory_objects import Cut, MemoryObjects
from support.records import made_record as trial

from sweeper.execution.collector import Collector
from sweeper.execution.stored_snapshots import Snapshots
from sweeper.remote.objects import ChangedError, StoreError
from sweeper.remote.snapshot import TrialCopy
from sweeper.remote.trial_objects import TrialObjects
from sweeper.search import TrialRecord
from sweeper.spec import SweepSettings


class Store(MemoryObjects):
    """Objects of which none may be fetched, as a collector needs nothing but their sizes."""

    def fetch(self, key: str, path: Path) -> bool:
        pytest.fail(f"{key} was fetched")


class Sweep:
    """Trials in a store, each pushed by a worker of its own, and a collector for them."""

    def __init__(self, folder: Path) -> None:
        self.objects = Store()
        self.records: list[TrialRecord] = []
        self.warnings: list[str] = []
        self.workers: dict[int, TrialCopy] = {}
        self.folder = folder

    def add(self, *records: TrialRecord) -> None:
        for record in records:
            self.records.append(record)
            self.place(record.number).mkdir()
            copy = self.workers[record.number] = TrialCopy(self.trial(record.number), self.place(record.number))
            copy.claim()
            fill(self.place(record.number))
            copy.push()

    def place(self, number: int) -> Path:
        return self.folder / str(number)

    def trial(self, number: int) -> Store:
        return self.objects.below("sweep").below("trials").below(self.records[number].folder)

    def collector(self, settings: SweepSettings) -> Collector:
        trials = Snapshots(self.objects.below("sweep"))
        return Collector(trials, settings, lambda: self.records, self.warnings.append)

    def held(self) -> dict[int, set[str]]:
        """Return by trial the checkpoints that are there; everything else has to be there."""
        found = {}
        for record in self.records:
            snapshot = TrialObjects(self.trial(record.number))
            snapshot.read()
            assert snapshot.files.keys() >= OTHERS
            found[record.number] = set(snapshot.files) - OTHERS
        return found

    def bytes(self, number: int) -> int:
        objects = self.trial(number).below("files")
        return sum(len(found.content) for key in objects.keys() if (found := objects.read(key)))  # noqa: SIM118


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path)


def test_what_the_policy_drops_goes_while_the_sweep_runs_and_at_its_end(sweep: Sweep) -> None:
    sweep.add(trial(0, 1.0), trial(1, 2.0), trial(2, None, state="running"))
    collector = sweep.collector(policy(best_of_sweep=1))
    collector.closed(1)
    assert sweep.held() == {0: EVERYTHING, 1: set(), 2: EVERYTHING}
    collector.collect()
    assert sweep.held() == {0: BEST_FILES, 1: set(), 2: EVERYTHING}
    assert sweep.warnings == []


def test_the_bytes_that_are_to_be_freed_are_those_that_are(sweep: Sweep) -> None:
    """The weights that are best and last are one object."""
    sweep.add(trial(0, 1.0), trial(1, 2.0))
    before = [sweep.bytes(number) for number in (0, 1)]
    removals = sweep.collector(policy(best_of_sweep=1)).survey()
    assert [removal.bytes for removal in removals] == [STATE + NUMBERS, WEIGHTS + STATE + NUMBERS]
    assert sweep.collector(policy(best_of_sweep=1)).remove(removals) == removals
    freed = [had - sweep.bytes(number) for number, had in enumerate(before)]
    assert freed == [removal.bytes for removal in removals]


def test_a_quota_counts_each_object_once(sweep: Sweep) -> None:
    sweep.add(*(trial(number, float(number)) for number in range(4)), trial(4, None, state="running"))
    of_running = WEIGHTS + STATE + NUMBERS
    sweep.collector(policy(quota=f"{2 * WEIGHTS + of_running} B")).collect()
    assert sweep.held() == {0: BEST_FILES, 1: BEST_FILES, 2: set(), 3: set(), 4: EVERYTHING}


def test_a_trial_that_is_gone_has_nothing_to_remove_and_is_not_made_again(sweep: Sweep) -> None:
    sweep.add(trial(0, 1.0), trial(1, 2.0))
    sweep.objects.objects.clear()
    sweep.collector(policy(best_of_sweep=1)).collect()
    assert sweep.objects.objects == {}
    assert sweep.warnings == []


class TestHalfWritten:
    def leave(self, sweep: Sweep) -> None:
        """Let the workers of two trials be killed after they have sent a file and before a snapshot names it."""
        sweep.add(trial(0, 1.0), trial(1, None, state="running"))

        def cut(request: str) -> None:
            if request == "write":
                raise Cut

        for number, copy in sweep.workers.items():
            (sweep.place(number) / "metrics.jsonl").write_text("of a later epoch")
            sweep.objects.before = cut
            with pytest.raises(Cut):
                copy.push()
        sweep.objects.before = lambda request: None

    def test_it_goes_of_trials_that_have_ended_and_stays_of_others(self, sweep: Sweep) -> None:
        self.leave(sweep)
        before = [len(list(sweep.trial(number).keys())) for number in (0, 1)]
        sweep.collector(policy(last="all")).collect()
        assert [len(list(sweep.trial(number).keys())) for number in (0, 1)] == [before[0] - 1, before[1]]
        assert sweep.held() == {0: EVERYTHING, 1: EVERYTHING}

    def test_its_writer_is_refused_should_it_live(self, sweep: Sweep) -> None:
        self.leave(sweep)
        sweep.collector(policy(last="all")).collect()
        with pytest.raises(ChangedError):
            sweep.workers[0].push()
        sweep.workers[1].push()


class TestTrouble:
    def test_a_worker_that_writes_at_the_same_time_is_left_alone_until_the_next_time(self, sweep: Sweep) -> None:
        sweep.add(trial(0, 1.0), trial(1, 2.0))
        pushes = iter([sweep.workers[1].push])

        def overtaken(request: str) -> None:
            for push in pushes:
                (sweep.place(1) / "samples.png").write_text("drawn at the end")
                push()

        collector = sweep.collector(policy(best_of_sweep=1, last="all"))
        sweep.objects.before = overtaken
        collector.closed(1)
        assert sweep.held()[1] == EVERYTHING | {"samples.png"}
        collector.closed(1)
        assert sweep.held()[1] == LAST_FILES | {"samples.png"}
        assert sweep.warnings == []

    @pytest.mark.parametrize("done", ["read", "removed"])
    def test_a_store_that_refuses_is_told_once_and_asked_again(
        self, sweep: Sweep, done: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sweep.add(*(trial(number, float(number)) for number in range(20)))
        collector = sweep.collector(policy(best_of_sweep=1))

        def refuse(*_: object) -> None:
            raise StoreError("memory://test: no (AccessDenied)")

        with monkeypatch.context() as patch:
            if done == "read":
                patch.setattr(Store, "read", refuse)
            else:
                patch.setattr(sweep.objects, "before", refuse)
            collector.collect()
        (warning,) = sweep.warnings
        assert warning.startswith("memory://test/sweep/trials/00")
        assert warning.endswith(f": what is not kept cannot be {done} there (memory://test: no (AccessDenied))")
        assert all(held == EVERYTHING for held in sweep.held().values())
        collector.collect()
        assert sweep.held() == {0: BEST_FILES, **{number: set() for number in range(1, 20)}}


def test_many_trials_are_looked_at_at_the_same_time(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store answers after a while, but many at a time: two must meet here, or the test waits in vain."""
    sweep.add(*(trial(number, float(number)) for number in range(4)))
    meeting = Barrier(2, timeout=60)
    find = Snapshots.find

    def met(trials: Snapshots, name: str) -> object:
        meeting.wait()
        return find(trials, name)

    monkeypatch.setattr(Snapshots, "find", met)
    assert len(sweep.collector(policy(best_of_sweep=1)).survey()) == 4
