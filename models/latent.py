"""The variational autoencoder (Kingma & Welling 2014): p(z) = N(0, I), p(x|z) by a decoder, q(z|x) by an encoder.

Its core are the importance weights w = p(x|z) p(z) / q(z|x) at draws z from q(z|x): every objective and every estimate
of log p(x) is a function of them or of their parts.

Shapes: k draws for each of B images [B, C, H, W]; latent vectors of L values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.gaussian import Gaussian, standard_log_prob
from models.likelihoods.base import Likelihood


@dataclass(frozen=True)
class Terms:
    """The parts of the importance weights, in nats."""

    log_likelihood: Tensor
    """log p(x|z) [k, B]."""
    log_prior: Tensor
    """log p(z) [k, B]."""
    log_posterior: Tensor
    """log q(z|x) [k, B]."""
    kl: Tensor
    """KL(q(z|x) ‖ p(z)) [B], in closed form."""

    @property
    def log_weights(self) -> Tensor:
        """The logarithms of the importance weights [k, B]."""
        return self.log_likelihood + self.log_prior - self.log_posterior


class LatentVariableModel(nn.Module):
    """An encoder, a decoder and a likelihood as one model of images.

    Generators are on the model's device. The networks are called with one, for dropout: see `models.backbones.Network`.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, likelihood: Likelihood, latent_dim: int) -> None:
        """Compose the model.

        The encoder gives the mean and log-variance of q(z|x) side by side [B, 2 L], the decoder the likelihood's raw
        input [N, raw channels, H, W] for latent vectors [N, L]; ``latent_dim`` is L.
        """
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.latent_dim = latent_dim

    def encode(self, x: Tensor, generator: torch.Generator | None = None) -> Gaussian:
        """Return q(z|x) with mean and log-variance [B, L]."""
        mean, log_variance = self.encoder(x, generator).chunk(2, -1)
        return Gaussian(mean, log_variance)

    def decode(self, z: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the likelihood's raw input [..., raw channels, H, W] for latent vectors [..., L]."""
        raw: Tensor = self.decoder(z.flatten(0, -2), generator)
        return raw.view(*z.shape[:-1], *raw.shape[1:])

    def terms(self, x: Tensor, k: int, generator: torch.Generator) -> Terms:
        """Return the parts of the importance weights at k draws from q(z|x) for each image."""
        return self.weigh(x, self.encode(x, generator), k, generator)

    def weigh(self, x: Tensor, posterior: Gaussian, k: int, generator: torch.Generator) -> Terms:
        """Return `terms` of images that have been encoded already."""
        noise = _normal((k, *posterior.mean.shape), posterior.mean, generator)
        z = posterior.at(noise)
        return Terms(
            log_likelihood=self.likelihood.log_prob(self.decode(z, generator), x),
            log_prior=standard_log_prob(z),
            log_posterior=posterior.log_prob_at(noise),
            kl=posterior.kl_to_standard(),
        )

    def log_weights(self, x: Tensor, k: int, generator: torch.Generator) -> Tensor:
        """Return log w [k, B] at k draws from q(z|x) for each image."""
        return self.terms(x, k, generator).log_weights

    def prior(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n latent vectors [n, L] from p(z)."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

    @torch.no_grad()
    def mean(self, z: Tensor) -> Tensor:
        """Return E[x|z] [..., C, H, W] for latent vectors [..., L]: the pictures that are usually shown."""
        return self.likelihood.mean(self.decode(z))

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n images [n, C, H, W] from p(x)."""
        return self.likelihood.sample(self.decode(self.prior(n, generator)), generator)

    @torch.no_grad()
    def reconstruct(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Return E[x|z] [B, C, H, W] at one draw from q(z|x) for each image."""
        posterior = self.encode(x)
        return self.mean(posterior.at(_normal(posterior.mean.shape, posterior.mean, generator)))


def _normal(shape: Sequence[int], like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=like.dtype, device=like.device)
