"""The Jensen-Shannon divergence between posterior and prior in place of the KL.

The loss is -E_q[log p(x|z)] + β JS(q(z|x) ‖ p(z)), where JS = ½ KL(q ‖ M) + ½ KL(p ‖ M) with the mixture M = ½ (q + p)
(Lin 1991, eq. 4.1). This is no bound on log p(x), whatever β. Nor has it a closed form for Gaussians, so both
expectations are estimated by draws: ½ E_q[log q - log M] + ½ E_p[log p - log M].

It lies between 0 and log 2 nats for each image, however many latent variables there are, and where q is far from p it
hardly pulls. So β decides between two ends: on the embedded digits, with 8 latent variables, a β up to 3 is paid as a
constant while the KL grows to 45 nats and more, and with 6 q is the prior and z means nothing.

Shapes: k draws of each kind for each of B images; latent vectors of L values.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor

from models.autoencoder import VariationalAutoencoder
from models.batch import Batch
from models.gaussian import Gaussian
from models.generative import MODEL
from models.latent import normal_noise
from models.objectives.base import Loss, LossFunction, Objective
from models.registry import register


@register("jensen_shannon")
@dataclass(frozen=True, kw_only=True)
class JensenShannon(Objective):
    """The negative log-likelihood and the divergence, as the loss of the one player."""

    fits = VariationalAutoencoder

    beta: Annotated[float, Ge(0)] = 1.0
    """Weight of the divergence."""
    k: Annotated[int, Ge(1)] = 1
    """Draws of z for each image from the posterior, and as many from the prior."""

    def losses(self) -> Mapping[str, LossFunction]:
        """Return the one player's loss."""
        return {MODEL: self.loss}

    def loss(self, model: VariationalAutoencoder, batch: Batch, generator: torch.Generator, _epoch: float) -> Loss:
        """Return the loss with its terms "loss", "reconstruction" and "js", and the "kl" beside them."""
        posterior = model.encode(batch, generator)
        drawn = model.weigh(batch, posterior, self.k, generator)
        reconstruction = -drawn.log_likelihood.mean()
        from_posterior = _excess(drawn.log_posterior, drawn.log_prior)
        from_prior = self._excess_of_prior(model.prior_given(model.conditioning.context(batch)), posterior, generator)
        js = 0.5 * (from_posterior.mean() + from_prior.mean())
        total = torch.add(reconstruction, js, alpha=self.beta)
        terms = {"loss": total, "reconstruction": reconstruction, "js": js, "kl": drawn.kl.mean()}
        return Loss(total, {name: value.detach() for name, value in terms.items()})

    def _excess_of_prior(self, prior: Gaussian | None, posterior: Gaussian, generator: torch.Generator) -> Tensor:
        """Return log p - log M [k, B] at draws from the prior; without one, from the standard normal distribution."""
        if prior is None:
            prior = Gaussian(torch.zeros_like(posterior.mean), torch.zeros_like(posterior.mean))
        noise = normal_noise(self.k, *posterior.mean.shape, like=posterior.mean, generator=generator)
        return _excess(prior.log_prob_at(noise), posterior.log_prob(prior.at(noise)))


def _excess(log_own: Tensor, log_other: Tensor) -> Tensor:
    """Return the logarithm of a density over that of the mixture of it and another."""
    return log_own - (torch.logaddexp(log_own, log_other) - math.log(2))
