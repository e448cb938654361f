"""Which latent variables a model uses: a unit z_u is active if Var_x(E_q[z_u]) > 0.01, q being q(z|x).

By Y. Burda, R. Grosse, R. Salakhutdinov, "Importance Weighted Autoencoders", ICLR 2016, arXiv 1509.00519, section 5.2.

E_q[z_u] is exact for one layer. For what is drawn given earlier draws, as the upper layer of two and the later steps of
DRAW are, it is that at the means of the earlier ones. Of M2 the units are those of the style, given the most probable
class; its class is no Gaussian and counted nowhere. Where a prior is learned, what a mean owes to the condition alone
counts too, which the KL by unit tells apart.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor

from models import GenerativeModel, LatentVariableModel
from models.inference import variance_per_dimension
from sweeper.training.job import Precision
from sweeper.training.measures.base import Measure, Subject
from sweeper.training.measures.density import density_of

AT_ONCE = 1024
"""Images encoded at once, so that memory does not grow with the split."""
ACTIVE = 0.01
"""The variance of its mean from which on a unit is active."""


class Latents(Measure):
    """How many latent variables are used."""

    ranked: ClassVar[tuple[str, ...]] = ()
    estimator: ClassVar[str] = "variance of posterior means"

    @staticmethod
    def applies(model: GenerativeModel, classes: int) -> bool:  # noqa: ARG004 (the contract names it)
        """Latent-variable models, and what has one inside."""
        return model.density is not None

    @staticmethod
    def scale(model: GenerativeModel, precision: Precision) -> dict[str, str]:  # noqa: ARG004 (the contract names them)
        """Return nothing: no sweep ranks by it."""
        return {}

    def __call__(self, subject: Subject) -> dict[str, float]:
        """Return "active_units", from 0 to the number of Gaussian latent variables; NaN of a model without numbers."""
        variance = variance_by_unit(density_of(subject.model), subject)
        return {"active_units": math.nan if variance.isnan().any() else float((variance > ACTIVE).sum().item())}


@torch.inference_mode()
def variance_by_unit(model: LatentVariableModel, subject: Subject) -> Tensor:
    """Return Var_x(E_q[z_u]) of each Gaussian latent variable [units] over the images."""
    means = torch.cat([model.infer(part)[:, -model.noise_dim :] for part in subject.batch.split(AT_ONCE)])
    return variance_per_dimension(means)


@torch.inference_mode()
def kl_by_part(model: LatentVariableModel, subject: Subject) -> Tensor:
    """Return the mean over the images of KL(q(z|x) ‖ p(z)) in nats by latent variable, at one draw for each image.

    [units]; of M2 [1 + units], with that of the class before the others.
    """
    noise = subject.noise()
    drawn = [model.terms(part, 1, noise).kl_parts.flatten(0, -2) for part in subject.batch.split(AT_ONCE)]
    return torch.cat(drawn).mean(0)
