"""How much samples of classes teach about images of classes: the classification accuracy score.

A classifier that has learned from samples alone, each with the class that it was drawn for, is tested on real images:
S. Ravuri, O. Vinyals, "Classification Accuracy Score for Conditional Generative Models", NeurIPS 2019. It is low where
samples are of another class than they should be, look like no class, or are too much alike.

The network is that of `classifier`, smaller and trained for a shorter time, and from the same initial weights for every
model. Images are grey, or black and white, as the model has them.
"""

from typing import ClassVar

import torch
from torch import Tensor

from models import Batch, GenerativeModel
from sweeper.training.classifier import Classifier, Recipe, train_classifier
from sweeper.training.data import Images, Split
from sweeper.training.job import Precision
from sweeper.training.measures.base import Measure, Subject, pixels_of
from sweeper.training.measures.drawing import AT_ONCE, draw, draw_labels, in_turn

SAMPLES = 5000
"""Samples that the classifier learns from."""
RECIPE = Recipe(channels=16, steps=500)


class AccuracyScore(Measure):
    """The accuracy on held-out images of a classifier of samples."""

    ranked: ClassVar[tuple[str, ...]] = ("cas",)
    estimator: ClassVar[str] = f"classifier of {SAMPLES} samples, {RECIPE.steps} steps, version {RECIPE.version}"
    costly: ClassVar[bool] = True

    @staticmethod
    def applies(model: GenerativeModel, classes: int) -> bool:
        """Models that can be told the class of an image that they draw."""
        return classes > 0 and model.conditioning.given == "label"

    @staticmethod
    def scale(model: GenerativeModel, precision: Precision) -> dict[str, str]:  # noqa: ARG004 (the contract names it)
        """Return whether images are grey."""
        return {"binarization": pixels_of(model)}

    def __call__(self, subject: Subject) -> dict[str, float]:
        """Return "cas", from 0 to 1; NaN for a model that draws no numbers."""
        generator = subject.noise()
        labels = draw_labels(self._images, SAMPLES, generator)
        with torch.no_grad():
            told = Batch(in_turn(subject.batch.x, SAMPLES), labels)
            samples = torch.cat(list(draw(subject.model, told, generator)))
        if not samples.isfinite().all():
            return {"cas": torch.nan}
        return {"cas": accuracy(self._classifier_of(samples, labels), subject.batch)}

    def _classifier_of(self, samples: Tensor, labels: Tensor) -> Classifier:
        """Return a classifier that has learned from samples [N, C, H, W] with values in [0, 1] alone."""
        train = Split((samples * 255).round().to(torch.uint8), labels)
        nothing = Split(train.images[:0], labels[:0])
        return train_classifier(Images(train, nothing, nothing, self._images.classes), RECIPE).to(samples.device)


@torch.inference_mode()
def accuracy(classifier: Classifier, batch: Batch) -> float:
    """Return the share of images of which a classifier tells the class."""
    if batch.y is None:
        raise ValueError("images without labels have no accuracy")
    right = [classifier(part.x).argmax(-1) == part.y for part in batch.split(AT_ONCE)]
    return torch.cat(right).double().mean().item()
