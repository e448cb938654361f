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

    @classmethod
    def of(cls, outputs: Tensor) -> "Gaussian":
        """Return the distributions whose mean and log-variance a network gives side by side [..., 2 L]."""
        return cls(*outputs.chunk(2, -1))

    def at(self, noise: Tensor) -> Tensor:
        """Return the draws to which standard normal noise leads, differentiable in mean and variance."""
        return torch.addcmul(self.mean, self.log_variance.mul(0.5).exp(), noise)

    def log_prob_at(self, noise: Tensor) -> Tensor:
        """Return the log-density [...] of `at(noise)` in nats."""
        return -0.5 * (noise.square() + self.log_variance + LOG_2PI).sum(-1)

    def log_prob(self, z: Tensor) -> Tensor:
        """Return the log-density [...] of vectors z [..., L] in nats."""
        return self.log_prob_parts(z).sum(-1)

    def log_prob_parts(self, z: Tensor) -> Tensor:
        """Return the log-densities [..., L] of the values of vectors z [..., L] in nats."""
        squares = (z - self.mean).square() * (-self.log_variance).exp()
        return -0.5 * (squares + self.log_variance + LOG_2PI)

    def detach(self) -> "Gaussian":
        """Return the same distributions without a gradient in their parameters."""
        return Gaussian(self.mean.detach(), self.log_variance.detach())

    def kl_parts_to_standard(self) -> Tensor:
        """Return KL(self ‖ N(0, I)) by dimension, ½ (mean² + variance - 1 - log variance) [..., L], in nats.

        Kingma & Welling 2014, appendix B.
        """
        return 0.5 * (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance)

    def kl_parts_to(self, other: "Gaussian") -> Tensor:
        """Return KL(self ‖ other) by dimension [..., L], in nats."""
        precision = (-other.log_variance).exp()
        distance = (self.mean - other.mean).square() * precision
        excess = self.log_variance - other.log_variance
        return 0.5 * (distance + excess.exp() - 1 - excess)


def standard_log_prob(z: Tensor) -> Tensor:
    """Return log N(z; 0, I) [...] in nats, of vectors z [..., L]."""
    return -0.5 * (z.square() + LOG_2PI).sum(-1)
