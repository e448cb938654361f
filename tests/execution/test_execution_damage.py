"""Protects a sweep with a trial that began again because its files were damaged: it is told, and counted once."""

from pathlib import Path

from support.sweeps import make_spec, quality, simulated

from sweeper.execution.dispatcher import Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.simulator import simulate
from sweeper.search import Decision, Sweep
from sweeper.spec import Spec
from sweeper.training.job import EpochResult, Job
from sweeper.training.simulated import SimulatedRun, Simulation

EPOCHS = 9
DAMAGED = 2
"""The number of the trial whose files are damaged."""


class Told(Silent):
    """Remembers what it was warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, message: str) -> None:
        self.warnings.append(message)


class Damaged(SimulatedRun):
    """A run that begins again after its fifth epoch, as one does whose worker was lost and whose files are damaged."""

    begun_again = False

    def advance(self) -> EpochResult:
        if self._epoch == 5 and not self.begun_again:
            self.begun_again = True
            (self._job.folder / "metrics.jsonl").unlink()
            SimulatedRun.__init__(self, self._simulation, self._job)
            first = super().advance()
            return EpochResult(first.epoch, first.images, first.seconds, first.metrics, first.done, notes=("a note",))
        return super().advance()


def run(job: Job) -> SimulatedRun:
    return (Damaged if job.number == DAMAGED else SimulatedRun)(Simulation(quality), job)


def make_dispatcher(spec: Spec, folder: Path, listener: Silent) -> tuple[Sweep, Dispatcher]:
    sweep = Sweep(spec, folder, 1)
    return sweep, Dispatcher(sweep, spec, Workplace(folder, data_dir=None, workers=1, device="cpu"), listener)


def test_a_trial_that_begins_again_counts_once_and_is_told_once(tmp_path: Path) -> None:
    spec = make_spec(EPOCHS, trials=4, stopping="none")
    (tmp_path / "whole").mkdir()
    (tmp_path / "damaged" / "trials").mkdir(parents=True)
    expected = simulated(spec, tmp_path / "whole")
    told = Told()
    sweep, dispatcher = make_dispatcher(spec, tmp_path / "damaged", told)
    simulate(dispatcher, run)
    found = sweep.records()
    assert told.warnings == [f"trial {DAMAGED}: a note"]
    assert [record.state for record in found] == [record.state for record in expected]
    assert [record.curve for record in found] == [record.curve for record in expected]
    assert [record.value for record in found] == [record.value for record in expected]


def test_an_epoch_said_again_after_a_later_one_is_not_the_end(tmp_path: Path) -> None:
    """Neither for the stopping rule nor for the sign of a trial that is done."""
    spec = make_spec(EPOCHS, trials=6, stopping={"name": "asha", "grace": 1, "factor": 2})
    _, dispatcher = make_dispatcher(spec, tmp_path, Silent())
    job = dispatcher.next()
    assert job is not None
    for epoch in (1, 2, 3, 1, 2, 3, 4):
        result = EpochResult(epoch, epoch * 100, float(epoch), {"val/nll": 1.0 / epoch}, False)
        assert dispatcher.take(job.number, result) is Decision.CONTINUE
    done = EpochResult(EPOCHS, EPOCHS * 100, 9.0, {"val/nll": 0.1}, True)
    assert dispatcher.take(job.number, done) is Decision.STOP
