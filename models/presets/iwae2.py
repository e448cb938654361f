"""Two stochastic layers (Burda et al. 2016, section 5)."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from models.backbones import Backbone, FullyConnected
from models.backbones.network import Network
from models.conditions import Condition, Unconditional
from models.hierarchical import HierarchicalAutoencoder
from models.likelihoods import Bernoulli, Likelihood
from models.objectives import IWAE, Objective
from models.presets.base import Model
from models.registry import register
from models.shapes import ImageShape


@register("iwae2")
@dataclass(frozen=True, kw_only=True)
class TwoLayerIWAE(Model):
    """IWAE with two stochastic layers (Burda et al. 2016, section 5), trained with 5 importance weights."""

    latent_dim: Annotated[int, Ge(1)] = 100
    """Number of latent variables of the lower layer, from which images are drawn."""
    top_dim: Annotated[int, Ge(1)] = 50
    """Number of latent variables of the upper layer."""
    backbone: Backbone = field(default_factory=lambda: FullyConnected(hidden=200, layers=2, activation="tanh"))
    """Architecture of the networks between images and the lower layer."""
    top_hidden: Annotated[int, Ge(1)] = 100
    """Units of each of the two hidden layers, of tanh, between the lower and the upper layer."""
    likelihood: Likelihood = field(default_factory=Bernoulli)
    """Distribution of an image given the decoder's output."""
    condition: Condition = field(default_factory=Unconditional)
    """What the model is told about an image."""

    def compose(self, shape: ImageShape, classes: int = 0) -> HierarchicalAutoencoder:
        """Return the four networks."""
        conditioning = self.condition.bind(shape, classes)
        raw_shape = shape._replace(channels=self.likelihood.raw_channels(shape.channels))
        return HierarchicalAutoencoder(
            encoder=self.backbone.encoder(shape, 2 * self.latent_dim, conditioning.size),
            top_encoder=self._between(self.latent_dim + conditioning.size, 2 * self.top_dim),
            top_decoder=self._between(self.top_dim + conditioning.size, 2 * self.latent_dim),
            decoder=self.backbone.decoder(self.latent_dim + conditioning.size, raw_shape),
            likelihood=self.likelihood,
            latent_dim=self.latent_dim,
            top_dim=self.top_dim,
            conditioning=conditioning,
        )

    def objective(self) -> Objective:
        """Return the importance-weighted bound of 5 draws."""
        return IWAE(k=5)

    def _between(self, inputs: int, outputs: int) -> Network:
        """Return a network between two layers of latent variables: vectors are images of one row."""
        layers = FullyConnected(hidden=self.top_hidden, layers=2, activation="tanh")
        return layers.encoder(ImageShape(1, 1, inputs), outputs)
