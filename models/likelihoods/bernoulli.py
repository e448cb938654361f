"""Binary pixels: log p(x|l) = x l - log(1 + exp l), summed over the pixels, with the decoder's output l (logits)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.likelihoods import exponential_family
from models.likelihoods.base import Likelihood
from models.registry import register


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
        return exponential_family.log_prob(raw, x, _log_partition, torch.sigmoid)

    def mean(self, raw: Tensor) -> Tensor:
        """Return the probabilities of 1."""
        return raw.sigmoid()

    def sample(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        """Draw images of 0 and 1."""
        return (torch.rand(raw.shape, generator=generator, device=raw.device) < raw.sigmoid()).to(raw.dtype)


def _binarize(images: Tensor, generator: torch.Generator) -> Tensor:
    """Draw floats 0 and 1, with probability x/255 of 1; this is exact at 0 and 255, since `rand` is in [0, 1)."""
    return torch.rand(images.shape, generator=generator, device=images.device).lt_(images.float().div_(255))


def _log_partition(raw: Tensor) -> Tensor:
    """Return log(1 + exp l) as max(l, 0) - log sigmoid(|l|), without overflow.

    PyTorch's log1p and softplus, on which `binary_cross_entropy_with_logits` rests, are not vectorized on a CPU, and
    sigmoid(|l|) >= 1/2 leaves log1p no accuracy to add: forward and backward take a sixth of the time.
    """
    return raw.relu().sub_(raw.abs().sigmoid_().log_())
