"""The contract of latent-variable models: importance weights.

Their core are the importance weights w = p(x|z) p(z) / q(z|x) at draws z from q(z|x): every objective and every
estimate of log p(x) is a function of them or of their parts. With a condition c, everything is given c as well.

Shapes: k draws for each of B images [B, C, H, W]; latent vectors of L values.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.batch import Batch
from models.generative import GenerativeModel
from models.likelihoods.base import Likelihood

ENCODER, GENERATOR = "encoder", "generator"
"""The parts of a model: what computes q(z|x), and what computes p(x, z)."""


@dataclass(frozen=True, eq=False)
class Terms:
    """The parts of the importance weights, in nats."""

    log_likelihood: Tensor
    """log p(x|z) [k, B]."""
    log_prior: Tensor
    """log p(z) [k, B]."""
    log_posterior: Tensor
    """log q(z|x) [k, B]."""
    kl_parts: Tensor
    """KL(q(z|x) ‖ p(z)) by latent variable [B, G], or [k, B, G] where the draws decide on it: in closed form as far as
    there is one."""
    z: Tensor
    """The draws [k, B, L]."""

    @property
    def kl(self) -> Tensor:
        """KL(q(z|x) ‖ p(z)) [B] or [k, B]."""
        return self.kl_parts.sum(-1)

    @property
    def log_weights(self) -> Tensor:
        """The logarithms of the importance weights [k, B]."""
        return self.log_likelihood + self.log_prior - self.log_posterior


class LatentVariableModel(GenerativeModel):
    """A model of p(x) = ∫ p(x|z) p(z) dz with an approximate posterior q(z|x)."""

    likelihood: Likelihood
    """The distribution of an image given the decoder's output."""

    @property
    def space(self) -> Likelihood:
        """The images that the likelihood is about."""
        return self.likelihood

    @property
    def density(self) -> "LatentVariableModel":
        """The model itself."""
        return self

    @property
    def noise_dim(self) -> int:
        """How many standard normal values make a latent vector: its own number, but for those that are not Gaussian."""
        return self.latent_dim

    @abstractmethod
    def inference_networks(self) -> tuple[nn.Module, ...]:
        """Return what computes q(z|x) alone; all other parameters are those of p(x, z)."""

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of `ENCODER` and of `GENERATOR`: every one of the model's is in exactly one."""
        encoder = [parameter for network in self.inference_networks() for parameter in network.parameters()]
        own = set(encoder)
        return {ENCODER: encoder, GENERATOR: [parameter for parameter in self.parameters() if parameter not in own]}

    @abstractmethod
    def terms(self, batch: Batch, k: int, generator: torch.Generator, hold_posterior: bool = False) -> Terms:
        """Return the parts of the importance weights at k draws from q(z|x) for each image.

        With ``hold_posterior`` log q(z|x) has no gradient in the parameters of q, only in z: Roeder et al. 2017.
        """

    def weigher(self, batch: Batch) -> Callable[[int, torch.Generator], Terms]:
        """Return `terms` of one batch as a function of k and generator, which shares among its calls what it can."""
        return lambda k, generator: self.terms(batch, k, generator)

    def log_weights(self, batch: Batch, k: int, generator: torch.Generator) -> Tensor:
        """Return log w [k, B] at k draws from q(z|x) for each image."""
        return self.terms(batch, k, generator).log_weights

    @abstractmethod
    def infer(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Return a latent vector [B, L] for each image: a draw from q(z|x), or without a generator its mean or mode."""

    @torch.no_grad()
    def reconstruct(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Return E[x|z] [B, C, H, W] at the latent vector that `infer` gives for each image."""
        return self.mean(self.infer(batch, generator), self.conditioning.context(batch))


def normal_noise(*shape: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw standard normal values of a shape, of the type and on the device of ``like``."""
    return torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)
