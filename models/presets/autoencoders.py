"""Variational autoencoders that papers and earlier projects gave a name: `vae` with other defaults.

"Seed" means the reports of the student projects that this one began with; where a report leaves a number open, it is
the one here.
"""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from models.backbones import Backbone, Convolutional, FullyConnected, Residual
from models.likelihoods import Bernoulli, Likelihood
from models.objectives import ELBO, IWAE, Objective
from models.presets.vae import VAE
from models.registry import register


@register("fc_vae")
@dataclass(frozen=True, kw_only=True)
class FullyConnectedVAE(VAE):
    """VAE of perceptrons with one hidden layer, as in its paper (Kingma & Welling 2014, appendix C); seed 000."""

    backbone: Backbone = field(default_factory=lambda: FullyConnected(hidden=500))
    """Architecture of encoder and decoder."""


@register("conv_vae")
@dataclass(frozen=True, kw_only=True)
class ConvolutionalVAE(VAE):
    """VAE of two convolutions and a hidden layer, all with batch norm; seed 000, but with logits as its output."""

    backbone: Backbone = field(default_factory=lambda: Convolutional(channels=32, layers=2, hidden=256, norm="batch"))
    """Architecture of encoder and decoder."""


@register("bn_vae")
@dataclass(frozen=True, kw_only=True)
class BatchNormVAE(VAE):
    """VAE with batch norm (Ioffe & Szegedy 2015), one hidden layer of 100 and two latent variables; seed 004."""

    latent_dim: Annotated[int, Ge(1)] = 2
    """Number of latent variables."""
    backbone: Backbone = field(default_factory=lambda: FullyConnected(hidden=100, norm="batch"))
    """Architecture of encoder and decoder."""


@register("beta_vae")
@dataclass(frozen=True, kw_only=True)
class BetaVAE(VAE):
    """VAE whose KL has the weight 4 (Higgins et al. 2017): few latent variables are used, each for one thing."""

    def objective(self) -> Objective:
        """Return the bound with β = 4."""
        return ELBO(beta=4)


@register("iwae")
@dataclass(frozen=True, kw_only=True)
class ImportanceWeightedAutoencoder(VAE):
    """IWAE with one stochastic layer (Burda et al. 2016, section 5): 200-200 tanh, 50 latent variables, k = 5."""

    latent_dim: Annotated[int, Ge(1)] = 50
    """Number of latent variables."""
    backbone: Backbone = field(default_factory=lambda: FullyConnected(hidden=200, layers=2, activation="tanh"))
    """Architecture of encoder and decoder."""

    def objective(self) -> Objective:
        """Return the bound of five draws."""
        return IWAE(k=5)


@register("residual_vae")
@dataclass(frozen=True, kw_only=True)
class ResidualVAE(VAE):
    """VAE of residual blocks (He et al. 2016) for photographs of 64x64, its KL nearly free; seed 002.

    Its likelihood takes grey values for probabilities, so what it is trained by is no log-probability.
    """

    latent_dim: Annotated[int, Ge(1)] = 128
    """Number of latent variables."""
    backbone: Backbone = field(default_factory=lambda: Residual(channels=32, blocks=3))
    """Architecture of encoder and decoder."""
    likelihood: Likelihood = field(default_factory=lambda: Bernoulli(binarization="none"))
    """Distribution of an image given the decoder's output."""

    def objective(self) -> Objective:
        """Return the bound with β = 0.01, of sums over pixels and latent variables.

        The report does not say whether its cross-entropy is a sum or a mean over the 12,288 values of an image: if it
        is a mean and its KL a sum, its β is 122.88 here.
        """
        return ELBO(beta=0.01)
