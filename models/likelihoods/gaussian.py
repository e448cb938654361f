"""Gaussian pixels: log p(x) = -½ ((x - m)/s)² - log s - ½ log 2π, summed over the pixels of dequantized images.

The mean is m = sigmoid(l), in the interval of the images (Kingma & Welling 2014, appendix C.2). The standard deviation
is a number, or learned for each pixel, s = exp(l') + 1/256: the decoder gives l and l', [..., 2 C, H, W]. The least of
s is the width of a grey level, since nothing finer is to be learned of dequantized images.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Gt
from torch import Tensor

from models.gaussian import LOG_2PI
from models.likelihoods.base import Likelihood
from models.likelihoods.dequantization import LEVELS, Dequantized
from models.registry import register


@register("gaussian")
@dataclass(frozen=True, kw_only=True)
class Gaussian(Dequantized, Likelihood):
    """A normal distribution for each pixel of dequantized images, on all real numbers: samples may leave [0, 1]."""

    scale: Annotated[float, Gt(0)] | Literal["learned"] = "learned"
    """The standard deviation of every pixel, 1 being the way from black to white; or "learned" for each pixel."""

    @property
    def family(self) -> str:
        """Name of the family, one for fixed and learned scales: they are densities of the same images."""
        return "gaussian"

    def raw_channels(self, channels: int) -> int:
        """Return one for each channel, two with a learned scale: mean and scale."""
        return 2 * channels if self.scale == "learned" else channels

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """Return log p(x) [..., B] in nats, given raw [..., B, raw channels, H, W], of x [B, C, H, W]."""
        mean, scale = self._parameters(raw)
        return (-0.5 * (((x - mean) / scale).square() + LOG_2PI) - scale.log()).sum((-3, -2, -1))

    def mean(self, raw: Tensor) -> Tensor:
        """Return the means, in (0, 1)."""
        return self._parameters(raw)[0]

    def sample(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        """Draw images."""
        mean, scale = self._parameters(raw)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        return torch.addcmul(mean, scale, noise)

    def _parameters(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation."""
        if self.scale != "learned":
            return raw.sigmoid(), torch.full((), self.scale, device=raw.device, dtype=raw.dtype)
        mean, log_scale = raw.chunk(2, -3)
        return mean.sigmoid(), log_scale.exp() + 1 / LEVELS
