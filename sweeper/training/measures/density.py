"""How probable a model finds images that it has not seen: an importance-weighted bound on log p(x), with one k for all.

Training losses with different k or beta are not comparable; this is (Burda et al. 2016, arXiv 1509.00519, eq. 8).
"""

import math
from typing import ClassVar

import torch

from models import Batch, GenerativeModel, LatentVariableModel, importance_weighted_bound
from models.conditions import PixelConditioning
from sweeper.training.job import Precision
from sweeper.training.measures.base import Measure, Subject

AT_ONCE = 1024
"""Images of which the parts of the bound are computed at once, so that memory does not grow with the split."""


class Density(Measure):
    """Nats per image."""

    ranked: ClassVar[tuple[str, ...]] = ("nll",)
    estimator: ClassVar[str] = "importance-weighted bound"

    @staticmethod
    def applies(model: GenerativeModel, classes: int) -> bool:  # noqa: ARG004 (the contract names it)
        """Latent-variable models have a density, and what has one inside."""
        return model.density is not None

    @staticmethod
    def scale(model: GenerativeModel, precision: Precision) -> dict[str, str]:
        """Return the distribution that is measured, and how tight the bound is."""
        density = density_of(model)
        return {
            "binarization": density.space.binarization,
            "likelihood": density.likelihood.family,
            "conditioning": density.given,
            "k": str(precision.k),
        }

    def __call__(self, subject: Subject) -> dict[str, float]:
        """Return the parts of the evidence lower bound at one draw and, if that ranks, "nll", the negated tight bound.

        A tight bound decodes every image hundreds of times; a sweep that ranks by something else can do without.
        Where the likelihood is about 256 grey levels, "bits_per_dim" says what "nll" does in the usual unit; where the
        model is told pixels, "nll_per_pixel" is "nll" over the number of the others.
        """
        model = density_of(subject.model)
        parts = _parts(model, subject)
        if subject.ranked_by not in self.ranked:
            return parts
        bound = importance_weighted_bound(model, subject.batch, subject.precision.k, subject.noise())
        nll = -bound.mean().item()
        return {"nll": nll, **_per_value(model, subject.batch, nll), **parts}


def density_of(model: GenerativeModel) -> LatentVariableModel:
    """Return the latent-variable model inside a model; raise ValueError where there is none."""
    if not isinstance(model.density, LatentVariableModel):
        raise ValueError(f"a {type(model).__name__} has no density")
    return model.density


def _per_value(model: LatentVariableModel, batch: Batch, nll: float) -> dict[str, float]:
    """Return what each value costs that the likelihood is about, colours counted apart.

    In nats where other values are told (see `completion`), in bits where values are grey levels.
    """
    per_value, width = nll / model.conditioning.unknown(batch.x[:1]).numel(), model.likelihood.level_width
    nats = {"nll_per_pixel": per_value} if isinstance(model.conditioning, PixelConditioning) else {}
    return nats if width is None else {**nats, "bits_per_dim": (per_value - math.log(width)) / math.log(2)}


@torch.inference_mode()
def _parts(model: LatentVariableModel, subject: Subject) -> dict[str, float]:
    noise = subject.noise()
    drawn = [model.terms(part, 1, noise) for part in subject.batch.split(AT_ONCE)]
    reconstruction = -torch.cat([terms.log_likelihood for terms in drawn], -1).mean()
    kl = torch.cat([terms.kl for terms in drawn], -1).mean()
    return {"reconstruction": reconstruction.item(), "kl": kl.item()}
