"""Workers without Ray around them, on trials in a store."""

from dataclasses import replace
from pathlib import Path

from sweeper.execution.worker import Worker
from sweeper.remote.objects import Objects
from sweeper.remote.snapshot import TrialCopy
from sweeper.remote.trial_objects import TrialObjects
from sweeper.spec import Failures
from sweeper.training.job import EpochResult, Failure, Job, RunFactory

STORE = "memory://test"


def in_store(job: Job, store: str = STORE) -> Job:
    """Return a job whose trial is in a store; its folder is one of the driver's machine, and not there."""
    return replace(job, folder=Path("/nonexistent/sweep/trials/trial"), store=f"{store}/trials/trial")


def work(job: Job, factory: RunFactory) -> Worker:
    worker = Worker.__new__(Worker)
    worker._trial_info = None
    worker.setup({"job": job, "factory": factory, "failures": Failures()})
    return worker


def trained(worker: Worker) -> EpochResult:
    outcome = worker.step()["outcome"]
    assert isinstance(outcome, EpochResult), outcome
    return outcome


def failed(worker: Worker) -> Failure:
    outcome = worker.step()["outcome"]
    assert isinstance(outcome, Failure), outcome
    return outcome


def stored(objects: Objects, folder: Path) -> Path:
    """Return a folder with all that there is of the trial."""
    folder.mkdir()
    trial = objects.below("trials").below("trial")
    snapshot = TrialObjects(trial)
    snapshot.read()
    TrialCopy(trial, folder).fetch(snapshot.files)
    return folder
