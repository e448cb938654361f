"""Simulated trials: supported package code for testing and forecasting sweeps without training anything.

A simulated trial keeps the same folder as a real one and resumes from it, so that everything around a trial can be
exercised in milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from sweeper.training.curves import Curve, last_epoch
from sweeper.training.folder import begin_folder
from sweeper.training.job import EpochResult, Job
from sweeper.training.signs import early_signs

Metric = Callable[[dict[str, Any], int, int], float]
"""The validation metric of a configuration, with a seed, after an epoch. It may return NaN, and may raise."""

Metrics = Callable[[dict[str, Any], int, int], dict[str, float]]
"""Other metrics of a configuration, with a seed, after an epoch, by their whole names: ``val/kl``, ``train/loss``."""


def nothing_else(config: dict[str, Any], seed: int, epoch: int) -> dict[str, float]:  # noqa: ARG001
    """Return no metrics."""
    return {}


@dataclass(frozen=True)
class Simulation:
    """Makes runs whose curves are computed. Its functions must be picklable where the engine is Ray."""

    metric: Metric
    beside: Metrics = nothing_else
    """What is measured beside the metric; the signs of a trial follow from its curve as those of a real one do."""
    classes: int = 10
    """Those of the data set."""
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
        """Compute the next measured epoch; after a resumption, first the last one again."""
        result = self._result(self._epoch if self._resumed else self._next_measured)
        if not self._resumed:
            self._curve.append(result.epoch, result.images, result.seconds, result.metrics)
        self._epoch, self._resumed = result.epoch, False
        return replace(result, signs=early_signs(self._curve.epochs, self._job.evaluation, self._simulation.classes))

    @property
    def _next_measured(self) -> int:
        epochs, evaluation = self._job.config["training"]["epochs"], self._job.evaluation
        return next(epoch for epoch in count(self._epoch + 1) if evaluation.is_due(epoch, epochs))

    def _result(self, epoch: int) -> EpochResult:
        job, simulation = self._job, self._simulation
        value = simulation.metric(job.config, job.seed, epoch)
        metrics = {job.evaluation.metric: value, **simulation.beside(job.config, job.seed, epoch)}
        done = epoch == job.config["training"]["epochs"]
        tested = done and job.evaluation.test is not None
        return EpochResult(
            epoch=epoch,
            images=epoch * simulation.images_per_epoch,
            seconds=epoch * simulation.seconds_per_epoch,
            metrics=metrics,
            done=done,
            test=_on_test(metrics) if tested else {},
        )

    def close(self) -> None:
        """Do nothing: the folder is whole after every epoch."""


def _on_test(metrics: dict[str, float]) -> dict[str, float]:
    """Return what was measured on validation as if it had been on the test set."""
    return {f"test/{name.removeprefix('val/')}": value for name, value in metrics.items() if name.startswith("val/")}
