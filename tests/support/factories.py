"""Runs that do something to the process they run in; a module of its own, because workers have to import them."""

import os
import signal

from support.sweeps import quality
from sweeper.training.job import EpochResult, Job
from sweeper.training.simulated import SimulatedRun, Simulation


class NotingProcess:
    """A simulation that notes in the trial's folder which process it runs in."""

    def __call__(self, job: Job) -> SimulatedRun:
        run = Simulation(quality)(job)
        with (job.folder / "processes").open("a") as file:
            file.write(f"{os.getpid()}\n")
        return run


class DyingAfterAnEpoch:
    """A simulation whose third trial loses its process in the middle of its second epoch, the first time."""

    def __call__(self, job: Job) -> SimulatedRun:
        return _Dying(Simulation(quality), job)


class _Dying(SimulatedRun):
    def advance(self) -> EpochResult:
        marker = self._job.folder / "died"
        if self._job.number == 2 and self._epoch == 1 and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().advance()
