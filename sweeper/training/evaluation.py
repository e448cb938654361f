"""The yardstick: measures that mean the same for every trial of a sweep.

Every trial is measured on the same images, in the same binarization, with the same noise: what differs between two
trials is then the trials.
"""

from dataclasses import replace

import torch

from models import Batch, GenerativeModel
from sweeper.seeds import derive_seed
from sweeper.training.data import Images, Split
from sweeper.training.job import Evaluation, Precision
from sweeper.training.measures import RANKED, Subject, measures_of

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
        return self._measure("val", "validation", self._validation, self._evaluation.validation)

    def test(self, precision: Precision) -> dict[str, float]:
        """Return what a sweep may rank by, on the test images.

        To be called once per final, with the weights that validation chose.
        """
        batch = self._prepare("test", self._images.test, precision)
        measured = self._measure("test", "test", batch, precision)
        return {name: value for name, value in measured.items() if name.removeprefix("test/") in RANKED}

    def training_images(self) -> Split:
        """Return the training images, uint8, drawn once and for all where the model's space of images wants that."""
        space, train = self._model.space, self._images.train
        if space.redraws:
            return train
        return replace(train, images=space.fix(train.images, self._generator("binarization", "train")))

    @property
    def examples(self) -> Batch:
        """Validation images as the model sees them, with their labels."""
        return self._validation

    def _measure(self, split: str, purpose: str, batch: Batch, precision: Precision) -> dict[str, float]:
        self._model.eval()
        subject = Subject(self._model, batch, precision, self._ranked_by, lambda: self._generator(purpose))
        return {f"{split}/{name}": value for measure in self._measures for name, value in measure(subject).items()}

    def _prepare(self, purpose: str, split: Split, precision: Precision) -> Batch:
        """Return the images of a split as the model wants them, drawn once and for all where it draws."""
        generator = self._generator("binarization", purpose)
        labels = split.labels
        images = self._model.space.prepare(split.images[: precision.images], generator)
        return Batch(images, None if labels is None else labels[: precision.images])

    def _generator(self, *purpose: str) -> torch.Generator:
        """Return the noise of a purpose: the same in every trial of every sweep."""
        device = self._images.train.images.device
        return torch.Generator(device).manual_seed(derive_seed("evaluation", *purpose))
