"""Binary pixels: log p(x|l) = x l - log(1 + exp l), summed over the pixels, with the decoder's output l (logits)."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.likelihoods import exponential_family
from models.likelihoods.base import Likelihood
from models.likelihoods.exponential_family import PIXELS
from models.registry import register

TOGETHER = 8
"""Factors in a product whose logarithm is taken: more of them save little."""


@register("bernoulli")
@dataclass(frozen=True, kw_only=True)
class Bernoulli(Likelihood):
    """Each pixel is 1 with probability sigmoid(l)."""

    binarization: Literal["dynamic", "static", "none"] = "dynamic"
    """How a gray pixel x becomes binary, x/255 being the probability of 1: "dynamic" draws anew for each training batch
    (Burda et al. 2016), "static" once. With "none" x/255 itself is scored, and log p is no log-probability."""

    @property
    def family(self) -> str:
        """Name of the family."""
        return "bernoulli"

    @property
    def redraws(self) -> bool:
        """Whether training images are drawn anew for every batch."""
        return self.binarization == "dynamic"

    def raw_channels(self, channels: int) -> int:
        """Return one logit for each channel."""
        return channels

    def fix(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return images of 0 and 255, drawn with probability x/255; without binarization, the images as they are."""
        if self.binarization == "none":
            return images
        return _binarize(images, generator).mul_(255).to(torch.uint8)

    def preprocess(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return x/255 or, if dynamic, a binary draw with that probability; for 0 and 255 the two are the same."""
        return _binarize(images, generator) if self.redraws else images.float().div_(255)

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """Return log p(x) [..., B] in nats, given logits [..., B, C, H, W], of x [B, C, H, W] in [0, 1]."""
        return exponential_family.log_prob(raw, x, _log_prob, torch.sigmoid)

    def mean(self, raw: Tensor) -> Tensor:
        """Return the probabilities of 1."""
        return raw.sigmoid()

    def sample(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        """Draw images of 0 and 1; without binarization return the mean, as nothing else is said of grey values.

        Drawn, they would be black and white pixels where the images that they are compared with are grey.
        """
        if self.binarization == "none":
            return self.mean(raw)
        return (torch.rand(raw.shape, generator=generator, device=raw.device) < raw.sigmoid()).to(raw.dtype)


def _binarize(images: Tensor, generator: torch.Generator) -> Tensor:
    """Draw floats 0 and 1, with probability x/255 of 1; this is exact at 0 and 255, since `rand` is in [0, 1)."""
    return torch.rand(images.shape, generator=generator, device=images.device).lt_(images.float().div_(255))


def _log_prob(raw: Tensor, x: Tensor) -> Tensor:
    """Return Σ x l - Σ log(1 + exp l) [..., B] as Σ log sigmoid(|l|) - ½ Σ (|l| + (1 - 2 x) l), without overflow.

    PyTorch's log1p and softplus, on which `binary_cross_entropy_with_logits` rests, are not vectorized on a CPU. Its
    logarithm is slow there as well, and sigmoid(|l|), which is between ½ and 1, is multiplied with others before it
    is taken. For a binary x the second sum is exact in every pixel: of |l| where l is wrong, of 0 where it is right.
    """
    size = raw.abs()
    wrong = torch.addcmul(size, 1 - 2 * x, raw).sum(PIXELS)
    return torch.sub(_sum_of_logs(size.sigmoid_()), wrong, alpha=0.5)


def _sum_of_logs(factors: Tensor) -> Tensor:
    """Return Σ log f [..., B] of factors [..., B, C, H, W] in [½, 1]."""
    together = math.gcd(math.prod(factors.shape[-3:]), TOGETHER)
    return factors.reshape(*factors.shape[:-3], together, -1).prod(-2).log_().sum(-1)
