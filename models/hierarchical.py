"""Two layers of latent variables (Burda et al. 2016, arXiv 1509.00519, sections 2 and 5): z1 below, z2 on top.

p(x, z1, z2) = N(z2; 0, I) p(z1|z2) p(x|z1) and q(z1, z2|x) = q(z1|x) q(z2|z1), all conditional Gaussians diagonal. With
a condition c, all but the prior of z2 are given it as well.

Seen from outside, z is one vector: z2, then z1. An image is drawn from z1 alone.

Shapes: k draws for each of B images [B, C, H, W]; z1 has L1 values, z2 has L2, z has L = L2 + L1.
"""

import torch
from torch import Tensor, nn

from models.batch import Batch
from models.conditions import Conditioning, Unconditioned
from models.decoding import decode
from models.encoded import EncodedModel
from models.gaussian import Gaussian, standard_log_prob
from models.holding import held
from models.latent import Terms, normal_noise
from models.likelihoods.base import Likelihood


class HierarchicalAutoencoder(EncodedModel):
    """Two encoders and two decoders, called as a `models.backbones.Network` is."""

    def __init__(
        self,
        encoder: nn.Module,
        top_encoder: nn.Module,
        top_decoder: nn.Module,
        decoder: nn.Module,
        likelihood: Likelihood,
        latent_dim: int,
        top_dim: int,
        conditioning: Conditioning | None = None,
    ) -> None:
        """Compose the model; ``latent_dim`` is L1, ``top_dim`` is L2.

        Mean and log-variance, side by side, are what the encoder gives of q(z1|x) [B, 2 L1], the top encoder of
        q(z2|z1) [N, 2 L2], the top decoder of p(z1|z2) [N, 2 L1]; the decoder gives the likelihood's raw input
        [N, raw channels, H, W]. All but the first take latent and context vectors, side by side.
        """
        super().__init__()
        self.encoder = encoder
        self.top_encoder = top_encoder
        self.top_decoder = top_decoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.latent_dim = top_dim + latent_dim
        self.top_dim = top_dim
        self.conditioning = conditioning or Unconditioned()

    def inference_networks(self) -> tuple[nn.Module, ...]:
        """Return the two encoders."""
        return (self.encoder, self.top_encoder)

    def decode(self, z: Tensor, context: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Return the likelihood's raw input [..., B, raw channels, H, W] for latent vectors [..., B, L].

        Context vectors are [B, size].
        """
        return decode(self.decoder, z[..., self.top_dim :], context, generator)

    def weigh(
        self, batch: Batch, posterior: Gaussian, k: int, generator: torch.Generator, hold_posterior: bool = False
    ) -> Terms:
        """Return `terms` of images of which q(z1|x) is known already.

        The KL is in closed form for z2, given z1. For z1 it is log q(z1|x) - log p(z1|z2) at the draws, since z2
        depends on z1.
        """
        context = self.conditioning.context(batch)
        noise = normal_noise(k, len(batch), self.latent_dim, like=posterior.mean, generator=generator)
        top_noise, lower_noise = noise[..., : self.top_dim], noise[..., self.top_dim :]
        lower = posterior.at(lower_noise)
        top_posterior = Gaussian.of(decode(self.top_encoder, lower, context, generator))
        top = top_posterior.at(top_noise)
        prior = Gaussian.of(decode(self.top_decoder, top, context, generator))
        if hold_posterior:
            top_held = Gaussian.of(decode(held(self.top_encoder), lower, context, generator))
            log_posterior = posterior.detach().log_prob(lower) + top_held.log_prob(top)
        else:
            log_posterior = posterior.log_prob_at(lower_noise) + top_posterior.log_prob_at(top_noise)
        z = torch.cat([top, lower], -1)
        lower_kl = posterior.log_prob_parts(lower) - prior.log_prob_parts(lower)
        return Terms(
            log_likelihood=self.log_likelihood(batch, z, generator),
            log_prior=standard_log_prob(top) + prior.log_prob(lower),
            log_posterior=log_posterior,
            kl_parts=torch.cat([top_posterior.kl_parts_to_standard(), lower_kl], -1),
            z=z,
        )

    def prior(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        """Draw n latent vectors [n, L] from p(z1, z2), for context vectors [n, size] where there is a condition."""
        return self.prior_at(super().prior(n, generator, context), context)

    def prior_at(self, noise: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the draws [..., B, L] from p(z1, z2) to which noise [..., B, L] leads, that of z2 first."""
        top = noise[..., : self.top_dim]
        lower = Gaussian.of(decode(self.top_decoder, top, context))
        return torch.cat([top, lower.at(noise[..., self.top_dim :])], -1)

    def infer(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Return a draw from q(z1, z2|x) [B, L] for each image, or without a generator its mode."""
        posterior = self.encode(batch)
        noise = posterior.mean.new_zeros(len(batch), self.latent_dim)
        if generator is not None:
            noise = normal_noise(*noise.shape, like=noise, generator=generator)
        lower = posterior.at(noise[:, self.top_dim :])
        top = Gaussian.of(decode(self.top_encoder, lower, self.conditioning.context(batch)))
        return torch.cat([top.at(noise[:, : self.top_dim]), lower], -1)
