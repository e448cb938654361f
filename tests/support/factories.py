"""Runs that do something to the process they run in; a module of its own, because workers have to import them."""

import errno
import os
import signal
import threading
from pathlib import Path

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


class IllFated:
    """A simulation in which something else befalls each of the first trials in its second epoch, once."""

    def __call__(self, job: Job) -> SimulatedRun:
        return _IllFated(Simulation(quality), job)


class _IllFated(SimulatedRun):
    def advance(self) -> EpochResult:
        marker = self._job.folder / "befallen"
        if self._epoch == 1 and not self._resumed and self._job.number < len(FATES) and not marker.exists():
            marker.touch()
            FATES[self._job.number]()
        return super().advance()


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang() -> None:
    threading.Event().wait()


def starve() -> None:
    raise MemoryError("Unable to allocate 7.50 GiB for an array with shape (1000,)")


def break_down() -> None:
    raise RuntimeError("no connection to postgresql://me:secret@host/db\nwith a second line")


FATES = (be_killed, hang, starve, break_down)
"""What befalls trial 0, 1, 2, 3."""


class WithoutRoom:
    """A simulation whose disk is full in the second trial, when the first has begun an epoch that does not end."""

    def __call__(self, job: Job) -> SimulatedRun:
        return _WithoutRoom(Simulation(quality), job)


class _WithoutRoom(SimulatedRun):
    def advance(self) -> EpochResult:
        begun = self._job.folder.parent / "begun"
        if self._job.number == 0:
            begun.touch()
            hang()
        wait_for(begun)
        raise OSError(errno.ENOSPC, "No space left on device", str(self._job.folder / "last"))


def wait_for(file: Path) -> None:
    pause = threading.Event()
    while not file.exists():
        pause.wait(0.05)
