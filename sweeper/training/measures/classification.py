"""How often a semi-supervised model is wrong about the class of an image."""

from typing import ClassVar

import torch

from models import Batch, GenerativeModel
from sweeper.training.job import Precision
from sweeper.training.measures.base import Measure, Subject

AT_ONCE = 1024
"""Images classified at once, so that memory does not grow with the split."""


class Classification(Measure):
    """The share of images put into a wrong class."""

    ranked: ClassVar[tuple[str, ...]] = ("error",)
    estimator: ClassVar[str] = "share of wrong classes"

    @staticmethod
    def applies(model: GenerativeModel, classes: int) -> bool:
        """Models that learn to classify, on images with labels."""
        return classes > 0 and model.classifies

    @staticmethod
    def scale(model: GenerativeModel, precision: Precision) -> dict[str, str]:  # noqa: ARG004 (the contract names them)
        """Return nothing: an error is an error, whatever the model takes the image for."""
        return {}

    def __call__(self, subject: Subject) -> dict[str, float]:
        """Return "error", from 0 to 1; NaN for a model whose logits are no numbers, which decides on nothing."""
        with torch.inference_mode():
            wrong = sum(_wrong(subject.model, part) for part in subject.batch.split(AT_ONCE))
        return {"error": wrong / len(subject.batch)}


def _wrong(model: GenerativeModel, batch: Batch) -> float:
    logits = model.classify(batch.x)
    if logits is None or batch.y is None:
        raise ValueError(f"a {type(model).__name__} cannot be measured by its error on these images")
    wrong = (logits.argmax(-1) != batch.y).to(logits.dtype)
    return wrong.where(logits.isfinite().all(-1), torch.nan).sum().item()
