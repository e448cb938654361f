"""PixelVAE (Gulrajani et al. 2017)."""

from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Ge

from models.autoregressive import AutoregressiveAutoencoder
from models.backbones import Backbone, Convolutional
from models.depth import Depth
from models.pixelcnn import PixelCNN
from models.presets.vae import VAE
from models.registry import register
from models.shapes import ImageShape


@register("pixel_vae")
@dataclass(frozen=True, kw_only=True)
class PixelVAE(VAE):
    """PixelVAE (Gulrajani et al. 2017): a VAE with a gated PixelCNN as the last layers of its decoder."""

    backbone: Backbone = field(default_factory=Convolutional)
    """Architecture of the encoder, and of the decoder to the features that the PixelCNN is given."""
    layers: Depth = 2
    """Layers of the PixelCNN; a pixel depends on 1 + layers · (kernel // 2) rows above it."""
    channels: Annotated[int, Ge(1)] = 16
    """Channels of the PixelCNN's hidden maps, and of the features."""
    kernel: Annotated[int, Ge(1)] = 5
    """Width of the PixelCNN's convolutions, odd."""

    def autoencoder(self, shape: ImageShape, classes: int = 0) -> AutoregressiveAutoencoder:
        """Return the encoder, the decoder to features, and the PixelCNN."""
        conditioning = self.condition.bind(shape, classes)
        outputs = self.likelihood.raw_channels(shape.channels)
        features = shape._replace(channels=self.channels)
        return AutoregressiveAutoencoder(
            encoder=self.backbone.encoder(shape, 2 * self.latent_dim, conditioning.size),
            decoder=self.backbone.decoder(self.latent_dim + conditioning.size, features),
            pixelcnn=PixelCNN(shape.channels, self.channels, outputs, self.channels, self.layers, self.kernel),
            likelihood=self.likelihood,
            latent_dim=self.latent_dim,
            conditioning=conditioning,
            prior_network=self._prior_network(conditioning),
        )
