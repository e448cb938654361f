"""Generative adversarial networks (Goodfellow et al. 2014) of any backbones and condition; fully connected ones.

"Seed" means the reports of the student projects that this one began with.
"""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from models.adversarial import GAN
from models.backbones import Backbone, FullyConnected
from models.backbones.hidden import Norm
from models.conditions import Condition, Label, Unconditional
from models.critic import Critic
from models.initialization import Scheme
from models.objectives import Adversarial, Objective
from models.presets.base import Model
from models.registry import register
from models.regularizers import Clip, GradientPenalty
from models.schedules import Alternating, Schedule
from models.shapes import ImageShape


def perceptron(norm: Norm = "none", dropout: float = 0.0) -> FullyConnected:
    """Return 784-1024-512-256-1 as a critic of 28x28 images, 100-256-512-1024-784 as a generator of such; seed 004."""
    return FullyConnected(hidden=(1024, 512, 256), activation="leaky_relu", norm=norm, dropout=dropout)


@register("gan")
@dataclass(frozen=True, kw_only=True)
class VanillaGAN(Model):
    """The generative adversarial network of Goodfellow et al. 2014, its networks fully connected by default."""

    latent_dim: Annotated[int, Ge(1)] = 100
    """Number of latent variables."""
    generator: Backbone = field(default_factory=lambda: perceptron(norm="batch"))
    """Architecture of the generator, a decoder."""
    critic: Backbone = field(default_factory=lambda: perceptron(dropout=0.3))
    """Architecture of the critic, an encoder."""
    condition: Condition = field(default_factory=Unconditional)
    """What both are told about an image."""
    initialization: Scheme = "uniform"
    """How parameters are drawn: "uniform" as PyTorch does, "normal" as DCGAN does."""

    def compose(self, shape: ImageShape, classes: int = 0) -> GAN:
        """Return the generator of the latent and context vectors, and the critic with one output."""
        conditioning = self.condition.bind(shape, classes)
        return GAN(
            generator=self.generator.decoder(self.latent_dim + conditioning.size, shape),
            critic=Critic(self.critic.encoder(shape, 1, conditioning.size)),
            latent_dim=self.latent_dim,
            conditioning=conditioning,
        )

    def scheme(self) -> Scheme:
        """Return what `initialization` says."""
        return self.initialization

    def objective(self) -> Objective:
        """Return the non-saturating losses."""
        return Adversarial()

    def schedule(self) -> Schedule:
        """Return one step of each on every batch."""
        return Alternating()


@register("cgan")
@dataclass(frozen=True, kw_only=True)
class ConditionalGAN(VanillaGAN):
    """The conditional GAN of Mirza & Osindero 2014: generator and critic are told the label."""

    condition: Condition = field(default_factory=Label)
    """What both are told about an image."""


@register("lsgan")
@dataclass(frozen=True, kw_only=True)
class LeastSquaresGAN(VanillaGAN):
    """The least squares GAN of Mao et al. 2017."""

    def objective(self) -> Objective:
        """Return the squared distances of scores from 0 and 1."""
        return Adversarial(loss="least_squares")


@register("wgan")
@dataclass(frozen=True, kw_only=True)
class WassersteinGAN(VanillaGAN):
    """The Wasserstein GAN of Arjovsky et al. 2017: a critic of clipped weights, far ahead of the generator."""

    critic: Backbone = field(default_factory=perceptron)
    """Architecture of the critic, an encoder."""

    def objective(self) -> Objective:
        """Return the difference of mean scores, of a critic with weights within ±0.01."""
        return Adversarial(loss="wasserstein", regularizer=Clip())

    def schedule(self) -> Schedule:
        """Return five critic steps per generator step (algorithm 1); as in the authors' code, 100 for some of them."""
        return Alternating(critic_steps=5, warmup_steps=100, warmup_rounds=25, warmup_every=500)


@register("wgan_gp")
@dataclass(frozen=True, kw_only=True)
class PenalizedWassersteinGAN(VanillaGAN):
    """The Wasserstein GAN with gradient penalty of Gulrajani et al. 2017; there is no batch norm in its critic."""

    critic: Backbone = field(default_factory=perceptron)
    """Architecture of the critic, an encoder."""

    def objective(self) -> Objective:
        """Return the difference of mean scores and the penalty."""
        return Adversarial(loss="wasserstein", regularizer=GradientPenalty())

    def schedule(self) -> Schedule:
        """Return five critic steps per generator step."""
        return Alternating(critic_steps=5)
