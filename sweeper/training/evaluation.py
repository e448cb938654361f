"""The yardstick: measures that mean the same for every trial of a sweep.

Every trial is measured on the same images, in the same binarization, with the same noise: what differs between two
trials is then the trials.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from models import Batch, GenerativeModel
from sweeper.seeds import derive_seed
from sweeper.training.data import Images, Split
from sweeper.training.job import Evaluation, Precision
from sweeper.training.measures import RANKED, Measure, Subject, all_measures_of, measures_of

VALIDATION = "val/"

METRICS = tuple(VALIDATION + name for name in RANKED)
"""What a sweep may rank by."""


class Evaluator:
    """Measures models on the held-out splits of one data set."""

    def __init__(self, images: Images, model: GenerativeModel, evaluation: Evaluation) -> None:
        self._images = images
        self._model = model
        self._evaluation = evaluation
        self._ranked_by = evaluation.metric.removeprefix(VALIDATION)
        self._measures = measures_of(model, images, self._ranked_by)
        self._validation = self._prepare("validation", images.validation, evaluation.validation)

    def validate(self) -> dict[str, float]:
        """Return every measure of the model on the validation images, ``val/nll`` among them if it has a density."""
        subject = self._subject("validation", self._validation, self._evaluation.validation, thorough=False)
        return _measured("val", self._measures, subject)

    def test(self, precision: Precision) -> dict[str, float]:
        """Return every measure of the model on the test images, those as well that cost too much while it trains.

        To be called once per final, with the weights that validation chose.
        """
        batch = self._prepare("test", self._images.test, precision)
        subject = self._subject("test", batch, precision, thorough=True)
        return _measured("test", all_measures_of(self._model, self._images), subject)

    def training_images(self) -> Split:
        """Return the training images, uint8, drawn once and for all where the model's space of images wants that."""
        space, train = self._model.space, self._images.train
        if space.redraws:
            return train
        return replace(train, images=space.fix(train.images, self._generator("binarization", "train")))

    def test_work(self, precision: Precision) -> float:
        """Return how many times the work of `validate` a test is, by images and samples; at least one."""
        images, validated = self._images.test.images[: precision.images], self._validation.x
        return max(1.0, len(images) * precision.k / (len(validated) * self._evaluation.validation.k))

    @property
    def examples(self) -> Batch:
        """Validation images as the model sees them, with their labels."""
        return self._validation

    def _subject(self, purpose: str, batch: Batch, precision: Precision, *, thorough: bool) -> Subject:
        self._model.eval()
        return Subject(self._model, batch, precision, self._ranked_by, lambda: self._generator(purpose), thorough)

    def _prepare(self, purpose: str, split: Split, precision: Precision) -> Batch:
        return prepared(self._model, split, precision, self._generator("binarization", purpose))

    def _generator(self, *purpose: str) -> torch.Generator:
        return noise_for(self._images, *purpose)


def _measured(split: str, measures: Sequence[Measure], subject: Subject) -> dict[str, float]:
    return {f"{split}/{name}": value for measure in measures for name, value in measure(subject).items()}


def prepared(model: GenerativeModel, split: Split, precision: Precision, generator: torch.Generator) -> Batch:
    """Return the images of a split as the model wants them, drawn once and for all where it draws."""
    labels = split.labels
    images = model.space.prepare(split.images[: precision.images], generator)
    return Batch(images, None if labels is None else labels[: precision.images])


def noise_for(images: Images, *purpose: str) -> torch.Generator:
    """Return the noise of a purpose, on the device of the images: the same in every trial of every sweep."""
    device = images.train.images.device
    return torch.Generator(device).manual_seed(derive_seed("evaluation", *purpose))
