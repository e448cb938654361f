"""Latent-variable models with a critic: VAE/GAN (Larsen et al. 2016), and those that seed 001 left empty.

Images are grey, and pictures the likelihood's means: a critic of binary images would know every picture by its grey.
"""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from models.backbones import Backbone, Convolutional
from models.backbones.hidden import Norm
from models.conditions import Condition, Label
from models.critic import Critic
from models.decoded import DecodedModel
from models.generative import GenerativeModel
from models.hybrid import CriticizedAutoencoder
from models.likelihoods import Bernoulli, Gaussian, Likelihood
from models.objectives import M2, AdversarialBound, LearnedSimilarity, Objective
from models.presets.draw import DRAW
from models.presets.semi_supervised import SemiSupervisedVAE
from models.presets.vae import VAE
from models.registry import register
from models.schedules import Alternating, Equilibrium, Schedule
from models.shapes import ImageShape


def convolutional_critic(norm: Norm = "none") -> Convolutional:
    """Return a critic of convolutions as in DCGAN (Radford et al. 2016), where no norm follows the first."""
    return Convolutional(channels=32, layers=2, activation="leaky_relu", norm=norm, first_norm=False)


def probabilities() -> Bernoulli:
    """Return a likelihood that takes grey values for probabilities, so that its log p is no log-probability."""
    return Bernoulli(binarization="none")


def criticized(autoencoder: DecodedModel, critic: Backbone, shape: ImageShape, context: int) -> CriticizedAutoencoder:
    """Return an autoencoder of images of this shape with a critic, which is told context vectors of so many values."""
    return CriticizedAutoencoder(autoencoder, Critic(critic.encoder(shape, 1, context)))


@register("vae_gan")
@dataclass(frozen=True, kw_only=True)
class VAEGAN(VAE):
    """VAE/GAN (Larsen et al. 2016): a VAE whose images are compared in a hidden layer of a critic; seed 001."""

    latent_dim: Annotated[int, Ge(1)] = 128
    """Number of latent variables."""
    backbone: Backbone = field(default_factory=lambda: Convolutional(channels=32, layers=2, norm="batch"))
    """Architecture of encoder and decoder."""
    critic: Backbone = field(default_factory=lambda: convolutional_critic("batch"))
    """Architecture of the critic, an encoder."""
    likelihood: Likelihood = field(default_factory=lambda: Gaussian(scale=0.1))
    """Distribution of an image given the decoder's output, which is measured but not trained by."""

    def compose(self, shape: ImageShape, classes: int = 0) -> GenerativeModel:
        """Return the autoencoder with its critic, which is told the condition."""
        autoencoder = self.autoencoder(shape, classes)
        return criticized(autoencoder, self.critic, shape, autoencoder.conditioning.size)

    def objective(self) -> Objective:
        """Return the similarity in the critic's last hidden layer."""
        return LearnedSimilarity()

    def schedule(self) -> Schedule:
        """Return the equilibrium of generator and critic."""
        return Equilibrium()


@register("cvae_gan")
@dataclass(frozen=True, kw_only=True)
class ConditionalVAEGAN(VAEGAN):
    """CVAE+GAN: a VAE/GAN (Larsen et al. 2016) that is told the class of an image, as is its critic; seed 001."""

    condition: Condition = field(default_factory=Label)
    """What the model is told about an image."""


@register("m2_gan")
@dataclass(frozen=True, kw_only=True)
class SemiSupervisedGAN(SemiSupervisedVAE):
    """SSL+GAN: M2 (Kingma et al. 2014) with a critic of its pictures, which is not told the class; seed 001."""

    likelihood: Likelihood = field(default_factory=probabilities)
    """Distribution of an image given the decoder's output."""
    critic: Backbone = field(default_factory=convolutional_critic)
    """Architecture of the critic, an encoder."""

    def compose(self, shape: ImageShape, classes: int = 0) -> GenerativeModel:
        """Return the semi-supervised autoencoder with its critic."""
        return criticized(self.autoencoder(shape, classes), self.critic, shape, context=0)

    def objective(self) -> Objective:
        """Return the bounds of M2 with an adversarial loss."""
        return AdversarialBound(bound=M2())

    def schedule(self) -> Schedule:
        """Return one step of each on every batch."""
        return Alternating()


@register("draw_gan")
@dataclass(frozen=True, kw_only=True)
class DRAWGAN(DRAW):
    """DRAW+GAN: DRAW (Gregor et al. 2015) with a critic of its last canvas; seed 001."""

    likelihood: Likelihood = field(default_factory=probabilities)
    """Distribution of an image given the last canvas."""
    critic: Backbone = field(default_factory=convolutional_critic)
    """Architecture of the critic, an encoder."""

    def compose(self, shape: ImageShape, classes: int = 0) -> GenerativeModel:
        """Return the recurrent autoencoder with its critic, which is told the condition."""
        autoencoder = self.autoencoder(shape, classes)
        return criticized(autoencoder, self.critic, shape, autoencoder.conditioning.size)

    def objective(self) -> Objective:
        """Return the evidence lower bound with an adversarial loss."""
        return AdversarialBound()

    def schedule(self) -> Schedule:
        """Return one step of each on every batch."""
        return Alternating()
