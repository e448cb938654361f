"""The evidence lower bound E_q[log p(x|z)] - β KL(q(z|x) ‖ p(z)).

With β = 1 it is the VAE's (Kingma & Welling 2014, eq. 10: the KL in closed form, the expectation by draws), with others
the β-VAE's (Higgins et al. 2017). β may rise from 0 over the first epochs (Sønderby et al. 2016, section 2.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from models.latent import LatentVariableModel
from models.objectives.base import Loss, LossFunction, Objective
from models.registry import register
from models.schedules.joint import MODEL


@register("elbo")
@dataclass(frozen=True, kw_only=True)
class ELBO(Objective):
    """The negative bound, as the loss of the one player."""

    beta: Annotated[float, Ge(0)] = 1.0
    """Weight of the KL."""
    warmup: Annotated[float, Ge(0)] = 0.0
    """Epochs in which the weight rises linearly from 0 to beta; with 0 it is beta from the start."""
    k: Annotated[int, Ge(1)] = 1
    """Draws of z for each image; their log-likelihoods are averaged."""

    def losses(self) -> Mapping[str, LossFunction]:
        """Return the one player's loss."""
        return {MODEL: self.negative_bound}

    def negative_bound(self, model: LatentVariableModel, x: Tensor, generator: torch.Generator, epoch: float) -> Loss:
        """Return the loss with its terms "loss", "reconstruction" and "kl", and "beta" if there is a warm-up."""
        drawn = model.terms(x, self.k, generator)
        reconstruction = -drawn.log_likelihood.mean()
        kl = drawn.kl.mean()
        weight = self.weight(epoch)
        total = torch.add(reconstruction, kl, alpha=weight)
        terms = {"loss": total.detach(), "reconstruction": reconstruction.detach(), "kl": kl.detach()}
        return Loss(total, terms | {"beta": torch.full_like(terms["kl"], weight)} if self.warmup else terms)

    def weight(self, epoch: float) -> float:
        """Return the weight of the KL so many epochs after the start."""
        return self.beta * min(1.0, epoch / self.warmup) if self.warmup else self.beta
