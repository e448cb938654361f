"""The variational autoencoder (Kingma & Welling 2014): p(z) = N(0, I), p(x|z) by a decoder, q(z|x) by an encoder.

With a condition c it is the conditional one (Sohn et al. 2015): p(z|c), p(x|z, c), q(z|x, c), where p(z|c) is N(0, I)
or learned.

Shapes: k draws for each of B images [B, C, H, W]; latent vectors of L values.
"""

import torch
from torch import Tensor, nn

from models.batch import Batch
from models.conditions import Conditioning, Unconditioned
from models.decoding import decode
from models.encoded import EncodedModel
from models.gaussian import Gaussian, standard_log_prob
from models.latent import Terms, normal_noise
from models.likelihoods.base import Likelihood


class VariationalAutoencoder(EncodedModel):
    """An encoder, a decoder and a likelihood, with one layer of Gaussian latent variables.

    The networks are called with input, generator and context: see `models.backbones.Network`.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        likelihood: Likelihood,
        latent_dim: int,
        conditioning: Conditioning | None = None,
        prior_network: nn.Module | None = None,
    ) -> None:
        """Compose the model.

        The encoder gives the mean and log-variance of q(z|x) side by side [B, 2 L], the decoder the likelihood's raw
        input [N, raw channels, H, W] for latent and context vectors side by side [N, L + size]; ``latent_dim`` is L.
        The network of the prior maps context vectors [N, size] to mean and log-variance [N, 2 L]; without one the prior
        is standard normal.
        """
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.likelihood = likelihood
        self.latent_dim = latent_dim
        self.conditioning = conditioning or Unconditioned()
        self.prior_network = prior_network

    def inference_networks(self) -> tuple[nn.Module, ...]:
        """Return the encoder."""
        return (self.encoder,)

    def decode(self, z: Tensor, context: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Return the likelihood's raw input [..., B, raw channels, H, W] for latent vectors [..., B, L].

        Context vectors are [B, size].
        """
        return decode(self.decoder, z, context, generator)

    def weigh(
        self, batch: Batch, posterior: Gaussian, k: int, generator: torch.Generator, hold_posterior: bool = False
    ) -> Terms:
        """Return `terms` of images that have been encoded already."""
        noise = normal_noise(k, *posterior.mean.shape, like=posterior.mean, generator=generator)
        z = posterior.at(noise)
        context = self.conditioning.context(batch)
        prior = self.prior_given(context)
        return Terms(
            log_likelihood=self.log_likelihood(batch, z, generator),
            log_prior=standard_log_prob(z) if prior is None else prior.log_prob(z),
            log_posterior=posterior.detach().log_prob(z) if hold_posterior else posterior.log_prob_at(noise),
            kl_parts=posterior.kl_parts_to_standard() if prior is None else posterior.kl_parts_to(prior),
            z=z,
        )

    def prior_given(self, context: Tensor | None) -> Gaussian | None:
        """Return p(z|c) with mean and log-variance [B, L]; None for the standard normal distribution."""
        return None if self.prior_network is None else Gaussian.of(self.prior_network(context))

    def prior(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        """Draw n latent vectors [n, L] from p(z), or p(z|c) for context vectors [n, size]."""
        return self.prior_at(super().prior(n, generator, context), context)

    def prior_at(self, noise: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the draws [..., B, L] from p(z), or p(z|c), to which noise [..., B, L] leads."""
        prior = self.prior_given(context)
        return noise if prior is None else prior.at(noise)

    def infer(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Return a draw from q(z|x) [B, L] for each image, or without a generator its mean."""
        posterior = self.encode(batch, generator)
        if generator is None:
            return posterior.mean
        return posterior.at(normal_noise(*posterior.mean.shape, like=posterior.mean, generator=generator))
