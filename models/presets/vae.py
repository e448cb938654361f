"""The variational autoencoder (Kingma & Welling 2014), of any backbone, likelihood and condition."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Ge

from models.autoencoder import VariationalAutoencoder
from models.backbones import Backbone, FullyConnected
from models.backbones.linear import Linear
from models.backbones.network import Network
from models.conditions import Condition, Conditioning, Unconditional
from models.generative import GenerativeModel
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
    condition: Condition = field(default_factory=Unconditional)
    """What the model is told about an image."""
    prior: Literal["standard", "learned"] = "standard"
    """The prior of the latent variables: N(0, I), or a diagonal Gaussian that a linear map of the condition gives."""

    def compose(self, shape: ImageShape, classes: int = 0) -> GenerativeModel:
        """Return the autoencoder."""
        return self.autoencoder(shape, classes)

    def autoencoder(self, shape: ImageShape, classes: int = 0) -> VariationalAutoencoder:
        """Return encoder to mean and log-variance, decoder to the likelihood's raw channels."""
        conditioning = self.condition.bind(shape, classes)
        raw_shape = shape._replace(channels=self.likelihood.raw_channels(shape.channels))
        return VariationalAutoencoder(
            encoder=self.backbone.encoder(shape, 2 * self.latent_dim, conditioning.size),
            decoder=self.backbone.decoder(self.latent_dim + conditioning.size, raw_shape),
            likelihood=self.likelihood,
            latent_dim=self.latent_dim,
            conditioning=conditioning,
            prior_network=self._prior_network(conditioning),
        )

    def _prior_network(self, conditioning: Conditioning) -> Network | None:
        if self.prior == "standard":
            return None
        if not conditioning.size:
            raise ValueError("prior is learned, but without a condition there is nothing to learn it from")
        return Network(Linear(conditioning.size, 2 * self.latent_dim))
