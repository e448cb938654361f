"""How good samples look, in the eyes of a frozen classifier of the data set: for models without a density above all.

Real and generated images are compared in the space of the model: where its likelihood is about black and white pixels,
its samples are black and white, and the real images are binarized; else both are grey. What a model is told about an
image (a label, observed pixels) it is told about the real images that it is compared with.

"fld" is the Fréchet distance (see `frechet`) of the classifier's features of real held-out images and of samples. Even
between real images it is not 0, because both sides are finite: "fld_floor" is that between training images and the held
out ones. "modes" counts the classes that samples cover. T. Che et al., "Mode Regularized Generative Adversarial
Networks", ICLR 2017, and L. Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, count a class from its
first sample on; that one sample in a thousand may be the classifier's mistake, so here it takes a tenth of a class's
fair share: 1 % of all samples where there are ten classes. Noise is put into some class as well: modes tell something
where the distance is small.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from models import Batch, GenerativeModel
from sweeper.training.classifier import Recipe
from sweeper.training.classifier_cache import classifier_of
from sweeper.training.data import Images
from sweeper.training.job import Precision
from sweeper.training.measures.base import Measure, Subject
from sweeper.training.measures.frechet import Normal

SAMPLES = 1000
"""Samples, and training images for the floor, at least; as many as real images where these are more."""
AT_ONCE = 500
"""Images drawn and looked at together, so that memory does not grow with their number."""
COVERED = 0.1
"""The part of its fair share of samples from which on a class is covered."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What the samples of every epoch are compared with."""

    batch: Batch
    real: Normal
    floor: float


class Quality(Measure):
    """Distance of samples from held-out images, and classes covered."""

    ranked: ClassVar[tuple[str, ...]] = ("fld",)
    estimator: ClassVar[str] = f"features of the data set's classifier, version {Recipe().version}"
    costly: ClassVar[bool] = True

    def __init__(self, images: Images) -> None:
        """Train the classifier of the data set, or read it where that has been done."""
        super().__init__(images)
        self._classifier = classifier_of(images)
        self._reference: Reference | None = None

    @staticmethod
    def applies(model: GenerativeModel, classes: int) -> bool:  # noqa: ARG004 (the contract names it)
        """Every model, where there are classes to be told apart."""
        return classes > 0

    @staticmethod
    def scale(model: GenerativeModel, precision: Precision) -> dict[str, str]:  # noqa: ARG004 (the contract names it)
        """Return whether images are grey, and whether the model is told pixels of the images it is compared with.

        A model that is told labels is not told more than how many images there are of each class.
        """
        binary, told = model.space.binarization != "none", model.conditioning.given
        return {
            "binarization": "black and white" if binary else "none",
            "conditioning": "" if told == "label" else told,
        }

    @torch.inference_mode()
    def __call__(self, subject: Subject) -> dict[str, float]:
        """Return "fld" and "fld_floor", from 0, and "modes", from 0 to the number of classes.

        A model that draws no numbers has no distance, NaN, and covers nothing.
        """
        reference = self._reference_of(subject)
        features = torch.cat([self._classifier.features(images) for images in _samples(subject)])
        return {
            "fld": reference.real.distance(Normal.fitted(features)),
            "fld_floor": reference.floor,
            "modes": self._modes(features),
        }

    def _reference_of(self, subject: Subject) -> Reference:
        """Return what a subject is compared with, computed where its images are not those of the last one."""
        if self._reference is None or self._reference.batch is not subject.batch:
            real = self._fitted(subject.batch.x)
            self._reference = Reference(subject.batch, real, real.distance(self._fitted(self._training(subject))))
        return self._reference

    def _fitted(self, images: Tensor) -> Normal:
        return Normal.fitted(torch.cat([self._classifier.features(part) for part in torch.split(images, AT_ONCE)]))

    def _training(self, subject: Subject) -> Tensor:
        """Return training images as the model takes them."""
        return subject.model.space.prepare(self._images.train.images[: _number(subject)], subject.noise())

    def _modes(self, features: Tensor) -> float:
        """Return how many classes the images with these features [N, F] cover."""
        classes = self._images.classes
        decided = self._classifier.head(features[features.isfinite().all(-1)]).argmax(-1)
        least = math.ceil(COVERED * len(features) / classes)
        return float((decided.bincount(minlength=classes) >= least).sum().item())


def _samples(subject: Subject) -> Iterator[Tensor]:
    """Yield samples in parts, with values in [0, 1]: one for each real image in turn, as it is told about them."""
    model, batch, generator = subject.model, subject.batch, subject.noise()
    turns = torch.arange(_number(subject), device=batch.x.device) % len(batch)
    for index in torch.split(turns, AT_ONCE):
        told = Batch(batch.x[index], None if batch.y is None else batch.y[index])
        yield model.sample(len(index), generator, model.conditioning.context(told)).clamp(0, 1)


def _number(subject: Subject) -> int:
    return max(SAMPLES, len(subject.batch))
