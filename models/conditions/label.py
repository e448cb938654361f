"""The class of an image as a condition, p(x|y): conditional VAE (Sohn et al. 2015) and GAN (Mirza & Osindero 2014)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.batch import Batch
from models.conditions.base import Condition, Conditioning
from models.registry import register
from models.shapes import ImageShape


class LabelConditioning(Conditioning):
    """Networks get the class as a one-hot vector, and zeros where it is unknown."""

    given = "label"

    def __init__(self, classes: int) -> None:
        self.size = classes

    def context(self, batch: Batch) -> Tensor:
        """Return one-hot vectors [B, classes]; raise ValueError for images without labels."""
        if batch.y is None:
            raise ValueError("a model with condition label needs images with labels")
        return self.one_hot(batch.y, batch.x.dtype)

    def one_hot(self, y: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return one-hot vectors [..., classes] of classes [...]."""
        return (y[..., None] == torch.arange(self.size, device=y.device)).to(dtype)


@register("label")
@dataclass(frozen=True, kw_only=True)
class Label(Condition):
    """The model is told the class of an image."""

    def bind(self, shape: ImageShape, classes: int) -> LabelConditioning:  # noqa: ARG002 (the contract names it)
        """Return the condition for so many classes."""
        if classes < 2:
            raise ValueError("condition label needs a data set with labels; this one has none")
        return LabelConditioning(classes)
