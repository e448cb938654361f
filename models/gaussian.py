"""Diagonal Gaussians over latent vectors."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


class Gaussian(NamedTuple):
    """Normal distributions over vectors of L values, with mean [..., L] and the logarithm of the variance [..., L]."""

    mean: Tensor
    log_variance: Tensor

    def at(self, noise: Tensor) -> Tensor:
        """Return the draws to which standard normal noise leads, differentiable in mean and variance."""
        return torch.addcmul(self.mean, self.log_variance.mul(0.5).exp(), noise)

    def log_prob_at(self, noise: Tensor) -> Tensor:
        """Return the log-density [...] of `at(noise)` in nats."""
        return -0.5 * (noise.square() + self.log_variance + LOG_2PI).sum(-1)

    def kl_to_standard(self) -> Tensor:
        """Return KL(self ‖ N(0, I)) = ½ Σ (mean² + variance - 1 - log variance) [...] in nats.

        Kingma & Welling 2014, appendix B.
        """
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance).sum(-1)


def standard_log_prob(z: Tensor) -> Tensor:
    """Return log N(z; 0, I) [...] in nats, of vectors z [..., L]."""
    return -0.5 * (z.square() + LOG_2PI).sum(-1)
