"""Simulated trials: supported package code for testing and forecasting sweeps without training anything.

A simulated trial keeps the same folder as a real one and resumes from it, so that everything around a trial can be
exercised in milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sweeper.training.curves import Curve, last_epoch
from sweeper.training.folder import begin_folder
from sweeper.training.job import EpochResult, Job

Metric = Callable[[dict[str, Any], int, int], float]
"""The validation metric of a configuration, with a seed, after an epoch. It may return NaN, and may raise."""


@dataclass(frozen=True)
class Simulation:
    """Makes runs whose curves are computed. ``metric`` must be picklable where the engine is Ray."""

    metric: Metric
    images_per_epoch: int = 1000
    seconds_per_epoch: float = 1.0

    def __call__(self, job: Job) -> "SimulatedRun":
        """Begin, or go on with, ``job``."""
        return SimulatedRun(self, job)


class SimulatedRun:
    """One simulated trial."""

    def __init__(self, simulation: Simulation, job: Job) -> None:
        self._simulation = simulation
        self._job = job
        begin_folder(job)
        self._epoch = last_epoch(job.folder)
        self._resumed = self._epoch > 0
        self._curve = Curve(job.folder, self._epoch)

    def advance(self) -> EpochResult:
        """Compute one more epoch; after a resumption, first the last one again."""
        result = self._result(self._epoch if self._resumed else self._epoch + 1)
        if not self._resumed:
            self._curve.append(result.epoch, result.images, result.seconds, result.metrics)
        self._epoch, self._resumed = result.epoch, False
        return result

    def _result(self, epoch: int) -> EpochResult:
        job, simulation = self._job, self._simulation
        value = simulation.metric(job.config, job.seed, epoch)
        done = epoch == job.config["training"]["epochs"]
        return EpochResult(
            epoch=epoch,
            images=epoch * simulation.images_per_epoch,
            seconds=epoch * simulation.seconds_per_epoch,
            metrics={job.evaluation.metric: value},
            done=done,
            test={job.evaluation.test_metric: value} if done and job.evaluation.test is not None else {},
        )

    def close(self) -> None:
        """Do nothing: the folder is whole after every epoch."""
