"""The importance-weighted bound L_k = E[log 1/k Σ p(x, z_i) / q(z_i|x)] (Burda et al. 2016, eq. 8).

Its gradient is autograd's through the reparametrized draws; the weights w_i / Σ w_j arise by themselves (eq. 14).
"""

import math
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


@register("iwae")
@dataclass(frozen=True, kw_only=True)
class IWAE(Objective):
    """The negative bound, as the loss of the one player."""

    k: Annotated[int, Ge(1)] = 5
    """Draws of z for each image; with 1 this is the ELBO, its KL estimated by the draw."""

    def losses(self) -> Mapping[str, LossFunction]:
        """Return the one player's loss."""
        return {MODEL: self.negative_bound}

    def negative_bound(self, model: LatentVariableModel, x: Tensor, generator: torch.Generator, _epoch: float) -> Loss:
        """Return the loss with its term "loss", and the parts of the ELBO beside it: "reconstruction" and "kl"."""
        drawn = model.terms(x, self.k, generator)
        total = math.log(self.k) - drawn.log_weights.logsumexp(0).mean()
        parts = {"reconstruction": -drawn.log_likelihood.detach().mean(), "kl": drawn.kl.detach().mean()}
        return Loss(total, {"loss": total.detach(), **parts})
