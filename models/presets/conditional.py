"""Conditional variational autoencoders (Sohn et al. 2015): `vae` with a condition."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge

from models.conditions import Condition, Label, Pixels
from models.presets.vae import VAE
from models.registry import register


@register("cvae")
@dataclass(frozen=True, kw_only=True)
class ConditionalVAE(VAE):
    """VAE that is told the class of an image (Sohn et al. 2015; Kingma et al. 2014, figure 1)."""

    condition: Condition = field(default_factory=Label)
    """What the model is told about an image."""


@register("completion_cvae")
@dataclass(frozen=True, kw_only=True)
class CompletionCVAE(VAE):
    """VAE of the hidden pixels given the observed ones, its prior learned (Sohn et al. 2015, sections 4.1 and 5.1)."""

    latent_dim: Annotated[int, Ge(1)] = 50
    """Number of latent variables."""
    condition: Condition = field(default_factory=Pixels)
    """What the model is told about an image."""
    prior: Literal["standard", "learned"] = "learned"
    """The prior of the latent variables: N(0, I), or a diagonal Gaussian that a linear map of the condition gives."""
