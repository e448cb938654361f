"""How well a model that is told some pixels completes the rest, and how well that goes without a model.

"completion_error" is the mean squared error, per hidden pixel value in [0, 1], of the expected completion: of E[x|z],
averaged over ten draws of z from the prior p(z|observed). Of all guesses a model's expectation has the least error, if
the model is right; that only ten draws are averaged adds a tenth of the variance of E[x|z]. "mean_image_error" and
"nearest_error" are those of the baselines (see `baselines`), which need no model. Errors mean the same for every
likelihood of the same pixels.

Where these are black and white, the baselines have a likelihood as well: "mean_image_nll_per_pixel" and
"nearest_nll_per_pixel", in nats, beside the "nll_per_pixel" of the model (see `density`). A density of grey values
would depend on the noise that one assumed around the baselines.

K. Sohn et al., "Learning Structured Output Representation using Deep Conditional Generative Models", NIPS 2015,
section 5.1, give the sum over the hidden pixels of an image, and their baseline "NN" is a neural network without latent
variables, not a nearest neighbour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from models import GenerativeModel
from models.conditions import PixelConditioning
from sweeper.training.data import Images
from sweeper.training.job import Precision
from sweeper.training.measures.base import Measure, Subject, pixels_of
from sweeper.training.measures.baselines import (
    AT_ONCE,
    Halves,
    believed,
    flip_rate,
    mean_image,
    nats_per_pixel,
    nearest_halves,
    squared_error,
)
from sweeper.training.measures.density import density_of

DRAWS = 10
"""Latent vectors whose completions are averaged."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What the baselines come to on some images."""

    images: Tensor
    measured: dict[str, float]


class Completion(Measure):
    """Errors of completions."""

    ranked: ClassVar[tuple[str, ...]] = ("completion_error",)
    estimator: ClassVar[str] = f"squared error of the mean of {DRAWS} completions"

    def __init__(self, images: Images) -> None:
        """Prepare for a data set."""
        super().__init__(images)
        self._reference: Reference | None = None

    @staticmethod
    def applies(model: GenerativeModel, classes: int) -> bool:  # noqa: ARG004 (the contract names it)
        """Models that are told pixels."""
        return isinstance(model.conditioning, PixelConditioning)

    @staticmethod
    def scale(model: GenerativeModel, precision: Precision) -> dict[str, str]:  # noqa: ARG004 (the contract names it)
        """Return whether pixels are grey, and which of them are told."""
        return {"binarization": pixels_of(model), "conditioning": model.conditioning.given}

    @torch.inference_mode()
    def __call__(self, subject: Subject) -> dict[str, float]:
        """Return "completion_error" and what the baselines come to."""
        hidden = _halves(subject.model, subject.batch.x).hidden
        return {"completion_error": squared_error(hidden, _completions(subject)), **self._baselines(subject)}

    def _baselines(self, subject: Subject) -> dict[str, float]:
        """Return the measures of the baselines, computed where the images are not those of the last subject."""
        if self._reference is None or self._reference.images is not subject.batch.x:
            self._reference = Reference(subject.batch.x, self._measured(subject))
        return self._reference.measured

    def _measured(self, subject: Subject) -> dict[str, float]:
        asked = _halves(subject.model, subject.batch.x)
        mean, nearest = mean_image(self._training(subject)), nearest_halves(asked, self._training(subject))
        errors = {"mean_image": squared_error(asked.hidden, mean), "nearest": squared_error(asked.hidden, nearest)}
        measured = {f"{name}_error": error for name, error in errors.items()}
        if not _is_bernoulli(subject.model):
            return measured
        probabilities = {"mean_image": mean, "nearest": believed(nearest, self._flip_rate(subject))}
        nats = {name: nats_per_pixel(asked.hidden, p) for name, p in probabilities.items()}
        return measured | {f"{name}_nll_per_pixel": value for name, value in nats.items()}

    def _flip_rate(self, subject: Subject) -> float:
        """Return how often a hidden pixel of a training image differs from that of the nearest other one."""
        first = next(self._training(subject))
        return flip_rate(first.hidden, nearest_halves(first, self._training(subject), leave_out=True))

    def _training(self, subject: Subject) -> Iterator[Halves]:
        """Yield the training images as the model takes them, each drawn in the same way at every call."""
        generator, model = subject.noise(), subject.model
        for part in torch.split(self._images.train.images, AT_ONCE):
            yield _halves(model, model.space.prepare(part, generator))


def _completions(subject: Subject) -> Tensor:
    """Return the hidden half [B, hidden values] of the expected completion of each image."""
    model, generator = subject.model, subject.noise()
    expected = []
    for part in subject.batch.split(AT_ONCE):
        context = model.conditioning.context(part)
        drawn = (model.mean(model.prior(len(part), generator, context), context) for _ in range(DRAWS))
        expected.append(_halves(model, sum(drawn, torch.zeros_like(part.x)) / DRAWS).hidden)
    return torch.cat(expected)


def _halves(model: GenerativeModel, images: Tensor) -> Halves:
    if not isinstance(model.conditioning, PixelConditioning):
        raise ValueError(f"a {type(model).__name__} that is told no pixels completes no image")
    return Halves.of(images, model.conditioning)


def _is_bernoulli(model: GenerativeModel) -> bool:
    return model.density is not None and density_of(model).likelihood.family == "bernoulli"
