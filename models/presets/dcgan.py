"""Deep convolutional GANs (Radford et al. 2016, section 3).

Strided convolutions, batch norm everywhere but in the generator's last layer and the critic's first, relu in the
generator, leaky relu in the critic, weights from N(0, 0.02²). Channels double where the image halves.
"""

from dataclasses import dataclass, field

from models.backbones import Backbone, Convolutional
from models.conditions import Condition, Label
from models.initialization import Scheme
from models.presets.gan import VanillaGAN
from models.registry import register


@register("dcgan")
@dataclass(frozen=True, kw_only=True)
class DCGAN(VanillaGAN):
    """The deep convolutional GAN of Radford et al. 2016."""

    generator: Backbone = field(default_factory=lambda: Convolutional(growth=2, norm="batch"))
    """Architecture of the generator, a decoder."""
    critic: Backbone = field(
        default_factory=lambda: Convolutional(growth=2, norm="batch", first_norm=False, activation="leaky_relu")
    )
    """Architecture of the critic, an encoder."""
    initialization: Scheme = "normal"
    """How parameters are drawn: "uniform" as PyTorch does, "normal" as DCGAN does."""


@register("cdcgan")
@dataclass(frozen=True, kw_only=True)
class ConditionalDCGAN(DCGAN):
    """The DCGAN (Radford et al. 2016) that is told the label (Mirza & Osindero 2014)."""

    condition: Condition = field(default_factory=Label)
    """What both are told about an image."""
