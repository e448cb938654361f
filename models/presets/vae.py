"""The variational autoencoder (Kingma & Welling 2014), of any backbone and likelihood."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from models.backbones import Backbone, FullyConnected
from models.latent import LatentVariableModel
from models.likelihoods import Bernoulli, Likelihood
from models.presets.base import Model
from models.registry import register
from models.shapes import ImageShape


@register("vae")
@dataclass(frozen=True, kw_only=True)
class VAE(Model):
    """One layer of latent variables, a standard normal prior, a diagonal Gaussian posterior."""

    latent_dim: Annotated[int, Ge(1)] = 20
    """Number of latent variables."""
    backbone: Backbone = field(default_factory=FullyConnected)
    """Architecture of encoder and decoder."""
    likelihood: Likelihood = field(default_factory=Bernoulli)
    """Distribution of an image given the decoder's output."""

    def compose(self, shape: ImageShape) -> LatentVariableModel:
        """Return encoder to mean and log-variance, decoder to the likelihood's raw channels."""
        raw_shape = shape._replace(channels=self.likelihood.raw_channels(shape.channels))
        return LatentVariableModel(
            encoder=self.backbone.encoder(shape, 2 * self.latent_dim),
            decoder=self.backbone.decoder(self.latent_dim, raw_shape),
            likelihood=self.likelihood,
            latent_dim=self.latent_dim,
        )
