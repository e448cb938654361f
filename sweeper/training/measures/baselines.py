"""Completions of images without a model: by the mean training image, and by the nearest one.

The nearest training image is the one whose observed pixels are at the least Euclidean distance from those of the image
to complete; its hidden pixels are the completion. As probabilities of black and white pixels,

- the mean image takes each hidden pixel for white with the share of training images where it is white;
- the nearest image is believed in each pixel with probability 1 - ε, where ε is the maximum-likelihood estimate: the
  share of hidden pixels in which training images differ from the training image nearest to them, they themselves left
  out. It is measured on the first thousand.

Both shares count one pixel more of either kind than there is, so that no probability is 0. Grey pixels that are scored
as if they were probabilities are so scored here too; the nearest image is then made black and white.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from models import Batch
from models.conditions import PixelConditioning

AT_ONCE = 1000
"""Training images that are compared at once, so that memory does not grow with their number."""


@dataclass(frozen=True, eq=False)
class Halves:
    """Images in two parts, of which a completion knows the first."""

    observed: Tensor
    """[N, observed values]."""
    hidden: Tensor
    """[N, hidden values]."""

    @classmethod
    def of(cls, images: Tensor, conditioning: PixelConditioning) -> Self:
        """Return images [N, C, H, W] parted as a model is told them."""
        return cls(conditioning.context(Batch(images)), conditioning.unknown(images).flatten(1))


def mean_image(training: Iterable[Halves]) -> Tensor:
    """Return the mean hidden half [hidden values], of the images and of a black and a white one beside them."""
    white, images = torch.zeros(()), 0
    for known in training:
        white = white.to(known.hidden.device) + known.hidden.double().sum(0)
        images += len(known.hidden)
    return ((white + 1) / (images + 2)).float()


def nearest_halves(asked: Halves, training: Iterable[Halves], leave_out: bool = False) -> Tensor:
    """Return the hidden half [N, hidden values] of the training image nearest to each one asked for.

    With ``leave_out`` those asked for are the first training images, and none is its own neighbour. Where there is no
    other image at all, the half is grey.
    """
    least = asked.observed.new_full((len(asked.observed),), math.inf)
    found, begun = torch.full_like(asked.hidden, 0.5), 0
    for known in training:
        # |a - b|² less |a|², which is the same for all b.
        distances = torch.addmm(known.observed.square().sum(-1), asked.observed, known.observed.T, alpha=-2)
        if leave_out:
            distances.diagonal(-begun).fill_(math.inf)
        nearest, index = distances.min(-1)
        closer = nearest < least
        least = torch.where(closer, nearest, least)
        found = torch.where(closer[:, None], known.hidden[index], found)
        begun += len(known.hidden)
    return found


def flip_rate(hidden: Tensor, nearest: Tensor) -> float:
    """Return ε, the share of hidden pixels [N, hidden values] that differ from the nearest image's, smoothed."""
    flips = (hidden - nearest.round()).abs().double().sum().item()
    return (flips + 1) / (hidden.numel() + 2)


def believed(nearest: Tensor, flips: float) -> Tensor:
    """Return the probabilities of white that follow from the nearest image's pixels and ε."""
    white = nearest.round().double()
    return white * (1 - flips) + (1 - white) * flips


def nats_per_pixel(hidden: Tensor, probabilities: Tensor) -> float:
    """Return -log p of the hidden pixels [N, hidden values] by probabilities of white, per pixel value."""
    p = probabilities.double()
    return -(torch.xlogy(hidden, p) + torch.xlogy(1 - hidden, 1 - p)).mean().item()


def squared_error(hidden: Tensor, completion: Tensor) -> float:
    """Return the mean of (x - completion)² over the hidden pixel values [N, hidden values]."""
    return (hidden - completion).square().double().mean().item()
