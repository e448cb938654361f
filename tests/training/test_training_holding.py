"""Protects a trial from two workers at once: that of a killed driver, and that of the driver after it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sweeper.execution.worker import Worker
from sweeper.locking import HeldError, locked
from sweeper.spec import Failures
from sweeper.training import holding
from sweeper.training.folder import begin_folder
from sweeper.training.holding import LOCK, held
from sweeper.training.job import EpochResult, Failure, Job
from sweeper.training.simulated import Simulation

HOLDER = """\
import sys
from pathlib import Path
from sweeper.training.holding import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def job(make_job: Callable[..., Job]) -> Job:
    """A trial that two processes are given."""
    job = make_job("trial")
    begin_folder(job)
    return job


@pytest.fixture
def other(job: Job) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the trial."""
    command = [sys.executable, "-c", HOLDER, str(job.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


@pytest.fixture
def worker(job: Job) -> Worker:
    """A worker without Ray around it, with the trial as its job."""
    worker = Worker.__new__(Worker)
    worker._trial_info = None
    worker.setup({"job": job, "factory": Simulation(lambda *_: 1.0), "failures": Failures()})
    return worker


def is_held(folder: Path) -> bool:
    try:
        with locked(folder / LOCK, wait=False):
            return False
    except HeldError:
        return True


def test_a_worker_waits_until_the_one_before_it_is_dead(
    worker: Worker, job: Job, other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(_seconds: float) -> None:
        """Stand in for a pause: the other one has been found there, and dies."""
        assert not (job.folder / "metrics.jsonl").exists()
        other.kill()
        other.wait()

    monkeypatch.setattr(holding.time, "sleep", look)
    assert isinstance(worker.step()["outcome"], EpochResult)
    assert other.returncode is not None


def test_one_that_never_goes_is_named_and_the_trial_is_not_touched(
    worker: Worker, job: Job, other: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "PATIENCE", 0.0)
    outcome = worker.step()["outcome"]
    assert isinstance(outcome, Failure)
    assert outcome.kind == "storage", "the sweep ends, and the trial stays as it is"
    assert f"another process has been writing here for 0 s: {job.folder}" in outcome.reason
    assert not (job.folder / "metrics.jsonl").exists()
    assert other.poll() is None


def test_a_worker_has_its_trial_until_it_lets_go_of_it(worker: Worker, job: Job, make_job: Callable[..., Job]) -> None:
    worker.step()
    assert is_held(job.folder)
    following = make_job("following")
    begin_folder(following)
    worker.reset_config({"job": following, "factory": Simulation(lambda *_: 1.0), "failures": Failures()})
    assert not is_held(job.folder)
    worker.step()
    worker.cleanup()
    assert not is_held(following.folder)


def test_a_trial_that_failed_is_let_go_of(worker: Worker, job: Job) -> None:
    worker._factory = Simulation(lambda *_: 1 / 0)
    assert isinstance(worker.step()["outcome"], Failure)
    assert not is_held(job.folder)


def test_the_folder_of_a_sweep_that_was_deleted_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), held(tmp_path / "sweep" / "trials" / "0000"):
        pass
    assert list(tmp_path.iterdir()) == []
