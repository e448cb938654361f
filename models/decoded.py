"""Latent-variable models with a decoder: what follows from it alone, whatever the prior and the posterior are.

Shapes: batches of B images [B, C, H, W]; latent vectors of L values.
"""

from abc import abstractmethod

import torch
from torch import Tensor

from models.batch import Batch
from models.generative import GenerativeModel
from models.latent import LatentVariableModel


class DecodedModel(LatentVariableModel):
    """A model whose pixels are independent given the output of its decoder."""

    @abstractmethod
    def decode(self, z: Tensor, context: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Return the likelihood's raw input [..., B, raw channels, H, W] for latent vectors [..., B, L].

        Context vectors are [B, size].
        """

    def log_likelihood(self, batch: Batch, z: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return log p(x|z) [..., B] of the pixels that are not told, for latent vectors [..., B, L]."""
        return self.score(batch, self.decode(z, self.conditioning.context(batch), generator))

    def prior_at(self, noise: Tensor, context: Tensor | None = None) -> Tensor:  # noqa: ARG002 (nothing is learned here)
        """Return the latent vectors [..., B, L] to which standard normal noise leads as draws from p(z), or p(z|c).

        Noise is [..., B, noise_dim], context vectors [B, size]. Raises ValueError where the model's prior is another
        than N(0, I) and this method does not know of it.
        """
        if type(self).prior is not GenerativeModel.prior:
            raise ValueError(f"a {type(self).__name__} does not say by prior_at how its prior is made of normal noise")
        return noise

    def log_likelihood_at(self, batch: Batch, noise: Tensor) -> Tensor:
        """Return log p(x|z) [..., B] at the latent vectors to which noise [..., B, noise_dim] leads.

        So p(x) is its mean over standard normal noise, whatever the prior is: E[p(x|z(ε))] with ε ~ N(0, I).
        """
        return self.log_likelihood(batch, self.prior_at(noise, self.conditioning.context(batch)))

    def score(self, batch: Batch, raw: Tensor) -> Tensor:
        """Return log p(x|z) [..., B] given what z was decoded to [..., B, raw channels, H, W]."""
        return self.likelihood.log_prob(self.conditioning.unknown(raw), self.conditioning.unknown(batch.x))

    def expected(self, z: Tensor, context: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Return E[x|z] [..., B, C, H, W] with its gradient, for latent vectors [..., B, L] and contexts [B, size].

        Observed pixels are in their places. In training, dropout needs the generator.
        """
        return self.conditioning.complete(self.likelihood.mean(self.decode(z, context, generator)), context)

    @torch.no_grad()
    def mean(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return E[x|z] [..., C, H, W] for latent vectors [..., L], observed pixels in their places."""
        return self.expected(z, context)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        """Draw n images [n, C, H, W] from p(x), or p(x|c) for context vectors [n, size]."""
        raw = self.decode(self.prior(n, generator, context), context)
        return self.conditioning.complete(self.likelihood.sample(raw, generator), context)
