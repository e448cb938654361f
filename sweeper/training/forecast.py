"""How long a configuration takes to train and to be measured, in nominal seconds (see `nominal_cost`).

One step of training and one measurement of a few images are done once on the CPU, with weights as they are initialized.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models import Batch, GenerativeModel, ImageShape, Moment
from models.bounds import ON_CPU
from sweeper.spec import Spec
from sweeper.training.components import TrialConfig, parse_config
from sweeper.training.data import Images, Split, resident
from sweeper.training.evaluation import Evaluator
from sweeper.training.job import Evaluation, Precision, unplanned_evaluation
from sweeper.training.nominal_cost import Cost, cost_of, touching
from sweeper.training.order import TrainingOrder

OPERATORS_OF_AN_OPTIMIZER = 10
"""On each tensor of weights at each step: those of Adam (Kingma and Ba 2015, algorithm 1)."""


@dataclass(frozen=True)
class Forecast:
    """What one configuration takes."""

    epochs: int
    epoch: float
    """Nominal seconds to train for an epoch."""
    image: float
    """Nominal seconds to measure a validation image."""
    validation: int
    """Validation images that there are."""

    def share(self, images: int, every: int) -> float:
        """Return the part of a trial's time that goes into measuring so many images every so many epochs."""
        measuring = self._measurements(every) * min(images, self.validation) * self.image
        return measuring / (measuring + self.epochs * self.epoch)

    def most_images(self, share: float, every: int) -> int:
        """Return how many images can be measured every so many epochs in a part of a trial's time."""
        allowed = self.epochs * self.epoch * share / (1 - share)
        return int(allowed / (self._measurements(every) * self.image))

    def _measurements(self, every: int) -> int:
        """Return how often a trial is measured: its last epoch is in any case."""
        return math.ceil(self.epochs / every)


def forecast(config: Mapping[str, Any], evaluation: Evaluation, data_dir: Path | None) -> Forecast:
    """Return what a configuration takes that is measured by ``evaluation``, of whose images only a few are taken."""
    trial, images, model = _built(config, data_dir)
    together = _measured_together(images, evaluation.validation.k)
    few = Evaluation(evaluation.metric, evaluation.direction, Precision(evaluation.validation.k, together))
    evaluator = Evaluator(images, model, few)
    step = _step(trial, model, evaluator.training_images())
    steps = len(images.train) / trial.training.batch_size
    return Forecast(
        epochs=trial.training.epochs,
        epoch=step.seconds * steps,
        image=cost_of(evaluator.validate).seconds / together,
        validation=len(images.validation),
    )


def step_seconds(config: Mapping[str, Any], evaluation: Evaluation, data_dir: Path | None) -> float:
    """Return the nominal seconds of one step of training of a configuration."""
    trial, images, model = _built(config, data_dir)
    return _step(trial, model, Evaluator(images, model, evaluation).training_images()).seconds


def largest_config(spec: Spec, arm: str, data_dir: Path | None) -> dict[str, Any]:
    """Return the configuration of an arm of which a step of training takes longest, as far as `Space.costliest` tells.

    One that cannot be trained takes no time: its trials will fail.
    """
    evaluation = unplanned_evaluation(spec.settings)

    def cost(config: Mapping[str, Any]) -> float:
        try:
            return step_seconds(config, evaluation, data_dir)
        except Exception:
            return 0.0

    return dict(spec.space(arm).costliest(cost).config)


def _built(config: Mapping[str, Any], data_dir: Path | None) -> tuple[TrialConfig, Images, GenerativeModel]:
    trial = parse_config(config)
    images = resident(trial.data, data_dir, "cpu")
    model = trial.model.build(ImageShape(*images.shape), _generator(), torch.device("cpu"), images.classes)
    return trial, images, model


def _measured_together(images: Images, k: int) -> int:
    """Return how many images the bound of k samples decodes at once."""
    return min(len(images.validation), max(1, ON_CPU // math.prod(images.shape) // k))


def _step(trial: TrialConfig, model: GenerativeModel, images: Split) -> Cost:
    """Return the cost of the first step of training."""
    model.train()
    generator, players, losses = _generator(), model.players(), trial.objective.losses()
    batch = _first_batch(trial, model, images, generator)

    def turn() -> None:
        for player in on_turn:
            loss = losses[player](model, batch, generator, 0.0)
            loss.total.backward(inputs=players[player])  # type: ignore[no-untyped-call]  # torch has not typed it

    on_turn = trial.schedule.turn(Moment(0, 0, tuple(players)))
    weights = [parameter for player in on_turn for parameter in players[player]]
    return cost_of(turn) + touching(OPERATORS_OF_AN_OPTIMIZER, weights)


def _first_batch(trial: TrialConfig, model: GenerativeModel, images: Split, generator: torch.Generator) -> Batch:
    order = TrainingOrder(images, trial.training.batch_size, trial.objective.labelled, _generator())
    index = next(order.epoch())
    x = model.space.preprocess(images.images[index], generator)
    return Batch(x, None if images.labels is None else images.labels[index])


def _generator() -> torch.Generator:
    """Return a generator whose draws decide on nothing but what the arithmetic is done with."""
    return torch.Generator("cpu").manual_seed(0)
