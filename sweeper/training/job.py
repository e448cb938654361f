"""What a worker trains, and what it says after an epoch: the two values that cross between driver and worker."""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from sweeper.comparability import Key
from sweeper.spec import SweepSettings


@dataclass(frozen=True)
class Precision:
    """How finely a bound on the log-likelihood is measured."""

    k: int
    """Importance samples per image."""
    images: int | None
    """The first so many images of the split; ``None`` for all of them."""

    def within(self, available: int) -> "Precision":
        """Return the same, with ``None`` in place of a number that is not less than the images there are."""
        return replace(self, images=None) if self.images is not None and self.images >= available else self


class Measured(NamedTuple):
    """The metric that a sweep ranks by, after one epoch."""

    epoch: int
    value: float


@dataclass(frozen=True)
class Evaluation:
    """How a sweep measures: the same for every trial in it."""

    metric: str
    """The validation metric that the sweep ranks by, such as ``val/nll``."""
    direction: Literal["minimize", "maximize"]
    validation: Precision
    test: Precision | None = None
    """For the one measurement on the test set after the last epoch; ``None`` leaves that set untouched."""
    every: int = 1
    """Epochs between two measurements; the last epoch is measured in any case."""
    share: float = 0.2
    """The part of a trial's time that evaluation may take: what measuring leaves of it is for pictures."""
    best_epochs: int = 1
    """Of so many epochs, the best measured ones, the weights are kept."""

    def is_due(self, epoch: int, epochs: int) -> bool:
        """Say whether a trial of so many epochs is measured after one of them."""
        return epoch % self.every == 0 or epoch == epochs

    def improves(self, value: float, best: float) -> bool:
        """Say whether ``value`` is better than ``best``, NaN where there is none yet.

        A value that is not finite is never better, not even -inf where less is: it is a defect, and no result.
        """
        if not math.isfinite(value) or math.isnan(best):
            return math.isfinite(value)
        return value < best if self.direction == "minimize" else value > best

    def best(self, measured: Iterable[Measured]) -> tuple[Measured, ...]:
        """Return the best of some epochs, the best first, of equal ones the first; none that is not finite."""
        sign = 1 if self.direction == "minimize" else -1
        finite = (one for one in measured if math.isfinite(one.value))
        return tuple(sorted(finite, key=lambda one: (sign * one.value, one.epoch))[: self.best_epochs])


def unplanned_evaluation(settings: SweepSettings) -> Evaluation:
    """Return how trials are measured as far as that is known before the plan: on all images, after every epoch."""
    precision = Precision(settings.evaluation.k, None)
    share, best_epochs = settings.evaluation.share, settings.checkpoints.best_of_trial
    return Evaluation(settings.metric, settings.direction, precision, share=share, best_epochs=best_epochs)


def search_evaluation(settings: SweepSettings) -> Evaluation:
    """Return how search trials of a sweep are measured: on validation images alone.

    Raises ValueError where that is not planned yet (see `measuring_plan`).
    """
    every, images = settings.evaluation.every, settings.evaluation.images
    if every == "auto" or images == "auto":
        raise ValueError(f"found every={every} and images={images} in sweep.evaluation; must be planned")
    precision = Precision(settings.evaluation.k, images)
    return replace(unplanned_evaluation(settings), validation=precision, every=every)


def final_evaluation(settings: SweepSettings) -> Evaluation:
    """Return how finals are measured: as search trials are, and once on the test set."""
    precision = Precision(settings.evaluation.final_k, settings.evaluation.final_images)
    return replace(search_evaluation(settings), test=precision)


@dataclass(frozen=True)
class Job:
    """One trial to train."""

    number: int
    config: dict[str, Any]
    """The concrete configuration: data, model, objective, training."""
    seed: int
    folder: Path
    """The trial's own folder; what is in it already is gone on with."""
    evaluation: Evaluation
    data_dir: Path | None = None
    store: str | None = None
    """Where the folder really is, such as ``s3://bucket/sweeps/first/trials/0001``, if that is no disk."""
    device: str = "cpu"
    threads: int = 1
    """Cores to compute on. Another number computes sums in another order, and so other last digits."""
    gpu_share: float = 1.0
    """The part of the GPU's memory that is the trial's."""
    scale: int = 1
    """How many times the share of `sweep.resources` the trial asks for, having run out of memory with less."""

    @cached_property
    def identity(self) -> str:
        """What is trained and with which seed, as a hash: the training follows from these two alone."""
        trained = json.dumps({**self.config, "seed": self.seed}, sort_keys=True)
        return hashlib.sha256(trained.encode()).hexdigest()


@dataclass(frozen=True)
class EpochResult:
    """What a trial came to after an epoch in which it was measured."""

    epoch: int
    images: int
    """Images seen since the trial began: epochs times the size of the training split."""
    seconds: float
    """Seconds of training and evaluation since the trial began, whatever was interrupted in between."""
    metrics: dict[str, float]
    done: bool
    test: dict[str, float] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    """The comparability keys of those metrics, on validation and on test, that a sweep may rank by."""
    signs: dict[str, str] = field(default_factory=dict)
    """What goes wrong in training, by the name of the sign, each with the rule and the value that show it."""
    notes: tuple[str, ...] = ()
    """What befell the trial's own files since the result before, each in one line."""


FailureKind = Literal["exception", "out_of_memory", "storage"]
"""What a failure is a fault of: the model or its configuration; the trial's share of memory; the disk, which no trial
can help."""


@dataclass(frozen=True)
class Failure:
    """Why a trial cannot go on: an exception, told in one line; its traceback is in the trial's folder."""

    reason: str
    kind: FailureKind = "exception"


Outcome = EpochResult | Failure


class Run(Protocol):
    """A trial in training: real or simulated."""

    def advance(self) -> EpochResult:
        """Train up to the next epoch that is measured, and write that down before answering.

        A run that goes on with what an earlier process left, the last of it measured, first answers with that: that
        process, or the driver, may have ended before the answer was taken in.
        """
        ...

    def close(self) -> None:
        """Leave in the trial's folder what is to be looked at; no epoch follows."""
        ...


class RunFactory(Protocol):
    """Makes the run of a job. It is sent to the workers, so it must be picklable."""

    def __call__(self, job: Job) -> Run:
        """Begin ``job``, or go on with it."""
        ...
