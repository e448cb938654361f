"""Samples of a model, drawn so that those of different models can be compared."""

from collections.abc import Iterator

import torch
from torch import Tensor

from models import UNKNOWN, Batch, GenerativeModel
from sweeper.training.data import Images

AT_ONCE = 500
"""Images drawn, or looked at, together, so that memory does not grow with their number."""


def draw(model: GenerativeModel, told: Batch, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield samples in parts, with values in [0, 1]: one for each image, as far as the model is told about it."""
    for part in told.split(AT_ONCE):
        yield model.sample(len(part), generator, model.conditioning.context(part)).clamp(0, 1)


def in_turn(images: Tensor, count: int) -> Tensor:
    """Return so many images, the same ones again where there are fewer."""
    return images[torch.arange(count, device=images.device) % len(images)]


def draw_labels(images: Images, count: int, generator: torch.Generator) -> Tensor:
    """Draw classes [count] from p(y), the shares that classes have of the training images."""
    known = training_labels(images)
    return known[torch.randint(len(known), (count,), generator=generator, device=known.device)]


def training_labels(images: Images) -> Tensor:
    """Return the labels of all training images that have one, also of those that training is not told."""
    labels = images.yardstick.labels
    if labels is None:
        raise ValueError("images without labels have no classes")
    return labels[labels != UNKNOWN]
