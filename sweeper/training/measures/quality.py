"""How good samples look, in the eyes of a frozen classifier of the data set: for models without a density above all.

Real and generated images are compared in the space of the model: where its likelihood is about black and white pixels,
its samples are black and white, and the real images are binarized; else both are grey.

Samples are those of p(x). A model of p(x|y) is told classes drawn from the training images', p(x) = Σ p(y) p(x|y), and
not those of the images it is compared with; M2, which has a p(y) of its own, is told none and draws its class. A model
of p(x|some pixels) is told those of the real images in turn: it does not generate whole images, so its values have a
comparability key of their own. Its samples depend on the real images, which the interval of "kid" does not know.

"fld" is the Fréchet distance (see `frechet`) of the classifier's features of real held-out images and of samples. Even
between real images it is not 0, because both sides are finite: "fld_floor" is that between training images and the held
out ones. "kid" is that of `kernel`, of features in units of their root mean square over training images: a constant, as
the kernel's (s + 1)³ presumes values about 1, which those of an Inception network are and those of ours are not. The
other numbers are those of `neighbours` and `classes`.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor

from models import UNKNOWN, Batch, GenerativeModel
from sweeper.training.classifier import Recipe
from sweeper.training.classifier_cache import classifier_of
from sweeper.training.data import Images
from sweeper.training.job import Precision
from sweeper.training.measures.base import Measure, Subject, pixels_of
from sweeper.training.measures.classes import class_statistics
from sweeper.training.measures.drawing import AT_ONCE, draw, draw_labels, in_turn, training_labels
from sweeper.training.measures.frechet import Normal
from sweeper.training.measures.kernel import MeanEmbedding, kernel_distance
from sweeper.training.measures.neighbours import Manifold, compare

SAMPLES = 1000
"""Samples, and training images for the floor, at least; as many as real images where these are more."""


@dataclass(frozen=True, eq=False)
class Description:
    """What the feature vectors of some images are compared by, each part computed where it is needed first."""

    features: Tensor
    """[N, F]."""
    unit: Tensor
    """The root mean square of the features of training images [], in which the kernel takes them."""

    @cached_property
    def normal(self) -> Normal:
        """The normal distribution of the features."""
        return Normal.fitted(self.features)

    @cached_property
    def embedding(self) -> MeanEmbedding:
        """Their kernel mean embedding."""
        return MeanEmbedding.of(self.features / self.unit)

    @cached_property
    def manifold(self) -> Manifold:
        """The balls around them."""
        return Manifold.of(self.features)


@dataclass(frozen=True, eq=False)
class Reference:
    """What the samples of every epoch are compared with."""

    batch: Batch
    """The real images."""
    real: Description
    floor: float


class Quality(Measure):
    """Distances of samples from held-out images, and how they spread over the classes."""

    ranked: ClassVar[tuple[str, ...]] = ("fld", "kid", "coverage")
    estimator: ClassVar[str] = f"samples of p(x), features of the data set's classifier, version {Recipe().version}"
    costly: ClassVar[bool] = True

    def __init__(self, images: Images) -> None:
        """Train the classifier of the data set, or read it where that has been done."""
        super().__init__(images)
        self._classifier = classifier_of(images)
        self._real_classes = training_labels(images).bincount(minlength=images.classes)
        self._reference: Reference | None = None

    @staticmethod
    def applies(model: GenerativeModel, classes: int) -> bool:  # noqa: ARG004 (the contract names it)
        """Every model, where there are classes to be told apart."""
        return classes > 0

    @staticmethod
    def scale(model: GenerativeModel, precision: Precision) -> dict[str, str]:  # noqa: ARG004 (the contract names it)
        """Return whether images are grey, and whether the model is told pixels of the images it is compared with."""
        given = _given(model)
        return {"binarization": pixels_of(model), "conditioning": "" if given == "label" else given}

    @torch.inference_mode()
    def __call__(self, subject: Subject) -> dict[str, float]:
        """Return the numbers of the table in README.md; a model that draws no numbers has none, and covers nothing.

        Kernel and neighbours, which take most of the time by far, are left out of the epochs of sweeps that rank by
        neither.
        """
        reference = self._reference_of(subject)
        real, samples = reference.real, self._samples(subject, reference.real.unit)
        distances = {"fld_floor": reference.floor, "fld": real.normal.distance(samples.normal)}
        if subject.wants("kid"):
            distances |= _kernel(real, samples)
        if subject.wants("coverage"):
            distances |= compare(real.manifold, samples.manifold)
        return {**distances, **class_statistics(self._classifier.head(samples.features), self._real_classes)}

    def _samples(self, subject: Subject, unit: Tensor) -> Description:
        """Return the description of samples of the subject."""
        generator = subject.noise()
        samples = draw(subject.model, self._told(subject, generator), generator)
        return Description(torch.cat([self._classifier.features(images) for images in samples]), unit)

    def _told(self, subject: Subject, generator: torch.Generator) -> Batch:
        """Return what the model is told about each sample that it draws."""
        count = _number(subject)
        labels = draw_labels(self._images, count, generator)
        own = _given(subject.model) != "label"
        return Batch(in_turn(subject.batch.x, count), torch.full_like(labels, UNKNOWN) if own else labels)

    def _reference_of(self, subject: Subject) -> Reference:
        """Return what a subject is compared with, computed where its images are not those of the last one."""
        if self._reference is None or self._reference.batch is not subject.batch:
            training = self._features(self._training(subject))
            unit = training.square().mean().sqrt()
            real = Description(self._features(subject.batch.x), unit)
            self._reference = Reference(subject.batch, real, real.normal.distance(Normal.fitted(training)))
        return self._reference

    def _features(self, images: Tensor) -> Tensor:
        return torch.cat([self._classifier.features(part) for part in torch.split(images, AT_ONCE)])

    def _training(self, subject: Subject) -> Tensor:
        """Return training images as the model takes them."""
        return subject.model.space.prepare(self._images.train.images[: _number(subject)], subject.noise())


def _kernel(real: Description, samples: Description) -> dict[str, float]:
    kid = kernel_distance(real.embedding, samples.embedding)
    return {"kid": kid.value, "kid_low": kid.low, "kid_high": kid.high}


def _given(model: GenerativeModel) -> str:
    """Return what its distribution of images is conditional on; of M2 it is not, though it can be told a label."""
    return (model.density or model).given


def _number(subject: Subject) -> int:
    return max(SAMPLES, len(subject.batch))
