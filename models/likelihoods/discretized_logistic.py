"""256 grey levels, each with the probability of its interval (Kingma et al. 2016; Salimans et al. 2017, PixelCNN++).

With m = sigmoid(l), s = exp(l') + s₀ and the intervals of x ± ½/255 about the levels x = v/255,

    P(v) = sigmoid((x + ½/255 - m)/s) - sigmoid((x - ½/255 - m)/s),

where the first term is 1 for the level 255 and the second 0 for the level 0, so that the probabilities sum to 1. The
decoder gives l and l', [..., 2 C, H, W]; s₀ = exp(-7)/2 is PixelCNN++'s least scale, for intensities from 0 to 1.
The difference is computed without cancellation: with a, b for the two arguments it is
sigmoid(b) sigmoid(-a) (1 - exp(a - b)).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from models.likelihoods.base import Likelihood
from models.registry import register
from models.spaces import UnitInterval

HALF = 0.5 / 255
"""Half the distance of two levels."""
LEAST_SCALE = math.exp(-7) / 2


@register("discretized_logistic")
@dataclass(frozen=True, kw_only=True)
class DiscretizedLogistic(UnitInterval, Likelihood):
    """A logistic distribution for each pixel, in steps of the grey levels: its log p is a log-probability of bytes."""

    @property
    def family(self) -> str:
        """Name of the family."""
        return "discretized_logistic"

    @property
    def level_width(self) -> float:
        """Each level has a probability."""
        return 1.0

    def raw_channels(self, channels: int) -> int:
        """Return two for each channel: location and logarithm of the scale."""
        return 2 * channels

    def log_prob(self, raw: Tensor, x: Tensor) -> Tensor:
        """Return log P(x) [..., B] in nats, given raw [..., B, 2 C, H, W], of x = v/255 [B, C, H, W]."""
        location, scale = _parameters(raw)
        distance = x - location
        below = F.logsigmoid((distance + HALF) / scale)
        above = F.logsigmoid((HALF - distance) / scale)
        between = (-torch.expm1(-2 * HALF / scale)).log()
        not_black, not_white = x > HALF, x < 1 - HALF
        parts = below * not_white + above * not_black + between * (not_black & not_white)
        return parts.sum((-3, -2, -1))

    def mean(self, raw: Tensor) -> Tensor:
        """Return the expected images, to within half a grey level, differentiable in raw.

        The sum of P(V > v) over the levels v is taken for the integral of 1 - sigmoid((x - m)/s) over [0, 1].
        """
        location, scale = _parameters(raw)
        return scale * (F.softplus(location / scale) - F.softplus((location - 1) / scale))

    def sample(self, raw: Tensor, generator: torch.Generator) -> Tensor:
        """Draw images of the 256 levels v/255, by the inverse of the logistic distribution function."""
        location, scale = _parameters(raw)
        uniform = torch.rand(scale.shape, generator=generator, device=scale.device, dtype=scale.dtype)
        return torch.addcmul(location, scale, uniform.logit()).mul(255).round().clamp(0, 255).div(255)


def _parameters(raw: Tensor) -> tuple[Tensor, Tensor]:
    """Return location and scale."""
    location, log_scale = raw.chunk(2, -3)
    return location.sigmoid(), log_scale.exp() + LEAST_SCALE
