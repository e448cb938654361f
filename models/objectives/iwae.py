"""The importance-weighted bound L_k = E[log 1/k Σ p(x, z_i) / q(z_i|x)] (Burda et al. 2016, eq. 8).

The plain gradient is autograd's through the reparametrized draws; the weights w_i / Σ w_j arise by themselves (eq. 14).
The doubly reparametrized one (Tucker et al. 2018) estimates the same gradient in the parameters of q with less noise.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor

from models.autoencoder import VariationalAutoencoder
from models.batch import Batch
from models.generative import MODEL, GenerativeModel
from models.latent import LatentVariableModel, Terms
from models.objectives.base import Loss, LossFunction, Objective
from models.objectives.double_reparametrization import copy_for_each_draw
from models.registry import register


@register("iwae")
@dataclass(frozen=True, kw_only=True)
class IWAE(Objective):
    """The negative bound, as the loss of the one player."""

    fits = LatentVariableModel

    k: Annotated[int, Ge(1)] = 5
    """Draws of z for each image; with 1 this is the ELBO, its KL estimated by the draw."""
    estimator: Literal["plain", "dreg"] = "plain"
    """How the gradient in the encoder's parameters is estimated; "dreg", the doubly reparametrized one, is for models
    with one layer of Gaussian latent variables."""

    def losses(self) -> Mapping[str, LossFunction]:
        """Return the one player's loss."""
        return {MODEL: self.negative_bound if self.estimator == "plain" else self.doubly_reparametrized}

    def check(self, model: GenerativeModel) -> None:
        """Raise ValueError, with the reason, if this is no objective of the model."""
        super().check(model)
        if self.estimator == "dreg" and not isinstance(model, VariationalAutoencoder):
            raise ValueError(
                "estimator dreg is for models with one layer of Gaussian latent variables, "
                f"{VariationalAutoencoder.__name__}; this model is a {type(model).__name__}"
            )

    def negative_bound(
        self, model: LatentVariableModel, batch: Batch, generator: torch.Generator, _epoch: float
    ) -> Loss:
        """Return the loss with its term "loss", and the parts of the ELBO beside it: "reconstruction" and "kl"."""
        drawn = model.terms(batch, self.k, generator)
        return _loss(self._negative_bound(drawn.log_weights), drawn)

    def doubly_reparametrized(
        self, model: VariationalAutoencoder, batch: Batch, generator: torch.Generator, _epoch: float
    ) -> Loss:
        """Return the same loss with the same terms; its gradient in the encoder is the doubly reparametrized one."""
        posterior, zeros = copy_for_each_draw(model.encode(batch, generator), self.k)
        drawn = model.weigh(batch, posterior, 1, generator, hold_posterior=True)  # one draw from each of k copies
        log_weights = drawn.log_weights.squeeze(0)
        weights = log_weights.detach().softmax(0)
        return _loss(self._negative_bound(log_weights) + (weights * zeros).sum(), drawn)

    def _negative_bound(self, log_weights: Tensor) -> Tensor:
        """Return -L_k, averaged over the batch, of log w [k, B]."""
        return math.log(self.k) - log_weights.logsumexp(0).mean()


def _loss(total: Tensor, drawn: Terms) -> Loss:
    parts = {"reconstruction": -drawn.log_likelihood.detach().mean(), "kl": drawn.kl.detach().mean()}
    return Loss(total, {"loss": total.detach(), **parts})
