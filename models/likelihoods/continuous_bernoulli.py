"""The continuous Bernoulli distribution on [0, 1] (Loaiza-Ganem & Cunningham 2019, arXiv 1907.06845).

log p(x|l) = x l - A(l), summed over the pixels, with the decoder's output l: the Bernoulli formula for gray x, made a
density by A(l) = log ∫₀¹ exp(t l) dt = l/2 + log(sinh(l/2) / (l/2)). The paper's parameter is λ = sigmoid(l), and its
normalizing constant log C(λ) = log(1 + exp l) - A(l). The mean is A'(l) = 1/(1 - exp(-l)) - 1/l, and not λ.

Near l = 0, where λ is ½, both are computed by the Taylor series l²/24 - l⁴/2880 + l⁶/181440 of log(sinh(l/2) / (l/2)).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from models.likelihoods import exponential_family
from models.likelihoods.base import Likelihood
from models.registry import register
from models.spaces import UnitInterval

NEAR = 0.5
"""The logit up to which the series is used: there its next terms are below 1e-9 in A and 1e-8 in A'."""
AT_NEAR = math.log(math.sinh(NEAR / 2) / (NEAR / 2))
MEAN_AT_NEAR = 1 / -math.expm1(-NEAR) - 1 / NEAR


@register("continuous_bernoulli")
@dataclass(frozen=True, kw_only=True)
class ContinuousBernoulli(UnitInterval, Likelihood):
    """A density of x/255 on the unit interval, exponential in x; nothing is drawn."""

    @property
    def family(self) -> str:
        """Name of the family."""
        return "continuous_bernoulli"

    def raw_channels(self, channels: int) -> int:
        """Return one logit for each channel."""
        return channels

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """Return log p(x) [..., B] in nats, given logits [..., B, C, H, W], of x [B, C, H, W] in [0, 1]."""
        return exponential_family.log_prob(raw, x, _log_prob, _mean)

    def mean(self, raw: Tensor) -> Tensor:
        """Return the expected images, which are not sigmoid(l)."""
        return _mean(raw)

    def sample(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        """Draw images in [0, 1] by the inverse distribution function, log(1 + u (exp(l) - 1)) / l of uniform u.

        That is for l < 0; for l > 0 it is 1 less a draw for -l, so that nothing overflows.
        """
        uniform = torch.rand(raw.shape, generator=generator, device=raw.device, dtype=raw.dtype)
        steepness = raw.abs().clamp(min=1e-6)  # at which, in float32, the distribution is uniform
        fallen = -torch.log1p(uniform * torch.expm1(-steepness)) / steepness
        return torch.where(raw < 0, fallen, 1 - fallen).clamp_(0, 1)


def _log_prob(raw: Tensor, x: Tensor) -> Tensor:
    """Return Σ x l - Σ A(l) [..., B]."""
    return torch.addcmul(_log_partition(raw).neg_(), x, raw).sum(exponential_family.PIXELS)


def _log_partition(raw: Tensor) -> Tensor:
    """Return A(l): what the series adds up to NEAR and what the closed form adds beyond, since masks are slow."""
    square = raw.clamp(-NEAR, NEAR).square()
    series = square * (1 / 24 - square * (1 / 2880 - square / 181440))
    size = raw.abs().clamp(min=NEAR)
    beyond = 0.5 * size + ((1 - (-size).exp()) / size).log() - AT_NEAR
    return 0.5 * raw + series + beyond


def _mean(raw: Tensor) -> Tensor:
    """Return A'(l), in the same way."""
    near = raw.clamp(-NEAR, NEAR)
    square = near.square()
    series = near * (1 / 12 - square * (1 / 720 - square / 30240))
    size = raw.abs().clamp(min=NEAR)
    beyond = 1 / (1 - (-size).exp()) - 1 / size - MEAN_AT_NEAR
    return 0.5 + series + raw.sign() * beyond
