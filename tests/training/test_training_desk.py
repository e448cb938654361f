"""Protects a trial whose home is a store: nobody is told what is not there yet, and a node is left as it was found."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from desks import failed, in_store, stored, trained, work
from support.memory_objects import MemoryObjects

from sweeper.execution import desk
from sweeper.execution.scratch import ScratchFolder
from sweeper.remote.objects import StoreError
from sweeper.spec import Failures
from sweeper.training.hang import HANG_FILE
from sweeper.training.job import Job
from sweeper.training.simulated import SimulatedRun, Simulation

SIMULATION = Simulation(lambda *_: 1.0)
STACKS = "no report for 9 s\nthread 0x1\n\nTimeout (0:00:09)!\n"


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place for scratch folders on a node of the test's own."""
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "node"))
    return ScratchFolder("memory://test").path.parent


@pytest.fixture
def objects(node: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryObjects:
    """The store of the node's workers."""
    objects = MemoryObjects()

    def opened(url: str) -> MemoryObjects:
        return objects.below(url.removeprefix("memory://test/"))

    monkeypatch.setattr(desk, "open_objects", opened)
    return objects


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    return in_store(make_job(epochs=4))


def folders(node: Path) -> list[Path]:
    return [path for path in node.iterdir() if path.is_dir()]


def refuse(_request: str) -> None:
    raise StoreError("memory://test: cannot be written (AccessDenied)")


def test_what_an_outcome_says_is_in_the_store_by_then(objects: MemoryObjects, job: Job, tmp_path: Path) -> None:
    worker = work(job, SIMULATION)
    for epoch in (1, 2):
        assert trained(worker).epoch == epoch
        found = stored(objects, tmp_path / str(epoch))
        assert len((found / "metrics.jsonl").read_text().splitlines()) == epoch
        assert sorted(path.name for path in found.iterdir()) == ["config.yaml", "metrics.jsonl"]


def test_the_next_worker_goes_on_from_there(objects: MemoryObjects, job: Job) -> None:
    first = work(job, SIMULATION)
    trained(first)
    trained(first)
    second = work(job, SIMULATION)
    assert [trained(second).epoch for _ in range(3)] == [2, 3, 4], "said again, as the driver may not have heard it"


def test_the_folder_is_its_users_alone_and_goes_with_the_trial(
    objects: MemoryObjects, job: Job, node: Path, tmp_path: Path
) -> None:
    class Drawing(SimulatedRun):
        def close(self) -> None:
            (self._job.folder / "samples.png").write_bytes(b"png")

    cached = node.parent / "classifiers"
    cached.mkdir(parents=True)
    worker = work(job, lambda job: Drawing(SIMULATION, job))
    trained(worker)
    (scratch,) = folders(node)
    assert [path.stat().st_mode & 0o777 for path in (node, scratch)] == [0o700, 0o700]
    worker.reset_config({"job": replace(job, store=f"{job.store}-2"), "factory": SIMULATION, "failures": Failures()})
    assert folders(node) == []
    assert (stored(objects, tmp_path / "found") / "samples.png").read_bytes() == b"png", "drawn when it was let go of"
    assert cached.exists()


def test_a_place_that_others_can_look_into_is_not_used(objects: MemoryObjects, job: Job, node: Path) -> None:
    node.mkdir(parents=True)
    node.chmod(0o755)
    failure = failed(work(job, SIMULATION))
    assert failure.kind == "storage"
    assert failure.reason == f"{node}: must be a folder of this user's alone; remove it, or set SWEEPER_CACHE"
    assert objects.objects == {}


def test_a_trial_that_failed_leaves_its_traceback_in_the_store_and_nothing_on_the_node(
    objects: MemoryObjects, job: Job, node: Path, tmp_path: Path
) -> None:
    assert failed(work(job, Simulation(lambda *_: 1 / 0))).kind == "exception"
    assert "ZeroDivisionError" in (stored(objects, tmp_path / "found") / "error.txt").read_text()
    assert folders(node) == []


class TestStoreInTrouble:
    """The sweep ends in one line, nothing of the trial is lost, and it goes on once that is put right."""

    def test_before_the_first_epoch(self, objects: MemoryObjects, job: Job, node: Path) -> None:
        objects.before = refuse
        self.check(work(job, SIMULATION), objects, node)
        assert objects.objects == {}

    def test_after_an_epoch(self, objects: MemoryObjects, job: Job, node: Path) -> None:
        worker = work(job, SIMULATION)
        trained(worker)
        objects.before = refuse
        self.check(worker, objects, node)
        objects.before = lambda request: None
        assert trained(work(job, SIMULATION)).epoch == 1

    def test_at_the_end_of_a_trial_the_next_one_says_so(self, objects: MemoryObjects, job: Job) -> None:
        class Drawing(SimulatedRun):
            def close(self) -> None:
                (self._job.folder / "samples.png").write_bytes(b"png")

        worker = work(job, lambda job: Drawing(SIMULATION, job))
        trained(worker)
        objects.before = refuse
        following = replace(job, number=1, store="memory://test/trials/following")
        worker.reset_config({"job": following, "factory": SIMULATION, "failures": Failures()})
        objects.before = lambda request: None
        assert trained(worker).notes == (
            "the last files of trial 0 are lost: memory://test: cannot be written (AccessDenied)",
        )
        assert trained(worker).notes == ()

    @staticmethod
    def check(worker: object, objects: MemoryObjects, node: Path) -> None:
        failure = failed(worker)  # type: ignore[arg-type]
        assert failure.kind == "storage"
        assert failure.reason == "memory://test: cannot be written (AccessDenied)"
        assert folders(node) == []


def test_what_is_damaged_is_told_with_the_first_result(objects: MemoryObjects, job: Job) -> None:
    trained(work(job, SIMULATION))
    (curve,) = (key for key, found in objects.objects.items() if found.content.startswith(b'{"epoch": 1'))
    del objects.objects[curve]
    result = trained(work(job, SIMULATION))
    assert result.notes == (f"memory://test/{curve}: is gone (metrics.jsonl)",)
    assert result.epoch == 1, "trained again"


class TestWorkersThatWereKilled:
    """They cannot remove their folders; one that hung has left there where."""

    @pytest.fixture
    def left(self, objects: MemoryObjects, job: Job) -> Path:
        """The folder of a worker that is dead, of which the one whose copy it is still lives."""
        worker = work(job, SIMULATION)
        trained(worker)
        left = worker._job.folder.with_name(f"{worker._job.folder.name}-left")
        shutil.copytree(worker._job.folder, left)
        worker.cleanup()
        return left

    def test_the_next_worker_on_the_node_does_and_lets_those_at_work_alone(
        self, left: Path, job: Job, node: Path
    ) -> None:
        living = work(replace(job, store="memory://test/trials/living"), SIMULATION)
        trained(living)
        assert not left.exists()
        beside = work(job, SIMULATION)
        trained(beside)
        assert sorted(folders(node)) == sorted(worker._job.folder for worker in (living, beside))
        trained(living)

    def test_how_it_hung_is_told_by_the_next_that_has_the_trial_there(
        self, left: Path, objects: MemoryObjects, job: Job, tmp_path: Path
    ) -> None:
        (left / HANG_FILE).write_text(STACKS)
        result = trained(work(job, SIMULATION))
        assert result.notes == ("its worker before this one hung: no report for 9 s",)
        assert (stored(objects, tmp_path / "found") / "error.txt").read_text() == STACKS

    def test_but_not_by_one_that_has_another_trial(self, left: Path, job: Job) -> None:
        (left / HANG_FILE).write_text(STACKS)
        assert trained(work(replace(job, store=f"{job.store}-2"), SIMULATION)).notes == ()


def test_a_worker_that_was_cut_off_is_refused_and_the_trial_stays_the_others(
    objects: MemoryObjects, job: Job, tmp_path: Path
) -> None:
    first = work(job, SIMULATION)
    trained(first)
    second = work(job, Simulation(lambda *_: 2.0))
    trained(second)
    trained(second)
    before = dict(objects.objects)
    failure = failed(first)
    assert failure.kind == "storage", "the trial is left as it is, should anybody listen"
    assert failure.reason == "memory://test/trials/trial/snapshot.json: written by another process as well"
    assert before.items() <= objects.objects.items()
    assert trained(second).epoch == 3
    first.cleanup()
    second.cleanup()
    lines = (stored(objects, tmp_path / "found") / "metrics.jsonl").read_text().splitlines()
    assert ['"val/nll": 2.0' in line for line in lines] == [False, True, True]
