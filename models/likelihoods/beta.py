"""Beta pixels, x in (0, 1): log p(x) = (a - 1) log x + (b - 1) log(1 - x) - log B(a, b), summed over the pixels.

The decoder gives logits of a mean and of a concentration, [..., 2 C, H, W]:

    m = (½ + 255 sigmoid(l)) / 256,    k = K sigmoid(l' - log K),    a = m k,    b = (1 - m) k.

The mean goes from the centre of grey level 0 to that of level 255. The concentration is exp(l') as long as that is far
below K; above K, where the standard deviation is two grey levels at most, the log-gamma functions would lose their
digits in float32. (With constant a and b, as this likelihood has been tried, a decoder has no say in p(x|z).)
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from models.likelihoods.base import Likelihood
from models.likelihoods.dequantization import EDGE, LEVELS, Dequantized
from models.registry import register

MOST = 2.0**12
"""K, the limit of the concentration."""


class _Shape(NamedTuple):
    alpha: Tensor
    beta: Tensor


@register("beta")
@dataclass(frozen=True, kw_only=True)
class Beta(Dequantized, Likelihood):
    """A Beta distribution for each pixel of dequantized images."""

    @property
    def family(self) -> str:
        """Name of the family."""
        return "beta"

    def raw_channels(self, channels: int) -> int:
        """Return two for each channel: mean and concentration."""
        return 2 * channels

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """Return log p(x) [..., B] in nats, given raw [..., B, 2 C, H, W], of x [B, C, H, W] in (0, 1)."""
        alpha, beta = _shape(raw)
        log_normalizer = alpha.lgamma() + beta.lgamma() - (alpha + beta).lgamma()
        return ((alpha - 1) * x.log() + (beta - 1) * torch.log1p(-x) - log_normalizer).sum((-3, -2, -1))

    def mean(self, raw: Tensor) -> Tensor:
        """Return the means m."""
        return _mean(raw.chunk(2, -3)[0])

    def sample(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        """Draw images in (0, 1): g/(g + h) of draws g, h from gamma distributions of shapes a, b."""
        alpha, beta = _shape(raw)
        log_odds = _log_gamma_draw(alpha, generator) - _log_gamma_draw(beta, generator)
        return log_odds.sigmoid().clamp(EDGE, 1 - EDGE)


def _shape(raw: Tensor) -> _Shape:
    mean_logit, concentration = raw.chunk(2, -3)
    mean, kappa = _mean(mean_logit), MOST * (concentration - math.log(MOST)).sigmoid()
    return _Shape(mean * kappa, (1 - mean) * kappa)


def _mean(logit: Tensor) -> Tensor:
    return (0.5 + (LEVELS - 1) * logit.sigmoid()) / LEVELS


def _log_gamma_draw(shape: Tensor, generator: torch.Generator) -> Tensor:
    """Draw the logarithm of a gamma variable, which itself would underflow where the shape is small.

    A draw of shape s is one of shape s + 1 times U^(1/s) with uniform U (Marsaglia & Tsang 2000, sec. 6).
    """
    uniform = torch.rand(shape.shape, generator=generator, device=shape.device, dtype=shape.dtype)
    return torch._standard_gamma(shape + 1, generator=generator).log() + torch.log1p(-uniform) / shape
