"""The evidence lower bound E_q[log p(x|z)] - β KL(q(z|x) ‖ p(z)).

With β = 1 it is the VAE's (Kingma & Welling 2014, eq. 10: the KL in closed form, the expectation by draws), with others
the β-VAE's (Higgins et al. 2017). β may rise from 0 over the first epochs (Sønderby et al. 2016, section 2.3).

With free bits λ (Kingma et al. 2016, arXiv 1606.04934, section 2.3 and appendix C.8) the KL of each latent variable,
averaged over the minibatch, counts at least λ nats: Σ_j max(λ, E_x[KL_j]). Below λ there is nothing to gain from
forgetting more, so that no variable is switched off early.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from models.batch import Batch
from models.generative import MODEL
from models.latent import LatentVariableModel
from models.objectives.base import Loss, LossFunction, Objective
from models.objectives.warmup import warmed_up
from models.registry import register


@register("elbo")
@dataclass(frozen=True, kw_only=True)
class ELBO(Objective):
    """The negative bound, as the loss of the one player."""

    fits = LatentVariableModel

    beta: Annotated[float, Ge(0)] = 1.0
    """Weight of the KL."""
    warmup: Annotated[float, Ge(0)] = 0.0
    """Epochs in which the weight rises linearly from 0 to beta; with 0 it is beta from the start."""
    free_bits: Annotated[float, Ge(0)] = 0.0
    """Nats that the KL of each latent variable counts at least, averaged over the batch."""
    k: Annotated[int, Ge(1)] = 1
    """Draws of z for each image; their log-likelihoods are averaged."""

    def losses(self) -> Mapping[str, LossFunction]:
        """Return the one player's loss."""
        return {MODEL: self.negative_bound}

    def negative_bound(
        self, model: LatentVariableModel, batch: Batch, generator: torch.Generator, epoch: float
    ) -> Loss:
        """Return the loss with its terms "loss", "reconstruction" and "kl", and "beta" if there is a warm-up.

        The "kl" is the true one, whatever is free of it.
        """
        drawn = model.terms(batch, self.k, generator)
        reconstruction = -drawn.log_likelihood.mean()
        kl = drawn.kl.mean()
        weight = warmed_up(self.beta, self.warmup, epoch)
        charged = self._at_least_free_bits(drawn.kl_parts) if self.free_bits else kl
        total = torch.add(reconstruction, charged, alpha=weight)
        terms = {"loss": total.detach(), "reconstruction": reconstruction.detach(), "kl": kl.detach()}
        return Loss(total, terms | {"beta": torch.full_like(terms["kl"], weight)} if self.warmup else terms)

    def _at_least_free_bits(self, kl_parts: Tensor) -> Tensor:
        """Return Σ_j max(λ, KL_j), 0-dimensional, of the KL of each image and latent variable [..., B, G]."""
        return kl_parts.flatten(0, -2).mean(0).clamp(min=self.free_bits).sum()
