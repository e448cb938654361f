"""Strided convolutions down to a small map, transposed ones back up (as in DCGAN, Radford et al. 2016)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from annotated_types import Ge
from torch import nn

from models.backbones.base import Backbone
from models.backbones.deconvolution import Deconvolution, NarrowDeconvolution
from models.backbones.halving import growing, halved
from models.backbones.hidden import HiddenLayers
from models.backbones.linear import Linear
from models.backbones.network import JoinPlane, Network
from models.depth import Depth
from models.registry import register
from models.shapes import ImageShape


@register("conv")
@dataclass(frozen=True, kw_only=True)
class Convolutional(HiddenLayers, Backbone):
    """Each layer halves the image, odd sizes rounded up (28, 14, 7, 4); the decoder goes back through the same sizes.

    By default all layers have the same number of channels, which keeps the decoder cheap: a tight bound evaluates it
    hundreds of times for each image.
    """

    channels: Annotated[int, Ge(1)] = 32
    """Channels of the hidden map next to the image."""
    layers: Depth = 2
    """Convolutions of the encoder, and transposed convolutions of the decoder."""
    growth: Annotated[float, Ge(1)] = 1.0
    """What each further halving multiplies the channels by: 2 for DCGAN."""
    hidden: Annotated[int, Ge(0)] = 0
    """Units of a fully connected hidden layer between the smallest map and the vectors; 0 for none."""
    first_norm: bool = True
    """Whether a norm follows the encoder's first convolution as well; in DCGAN's critic there is none."""

    def encoder(self, shape: ImageShape, outputs: int, context: int = 0) -> Network:
        """Return the convolutions, flatten, linear; the context is joined to the image as one more channel."""
        height, width = halved(shape, self.layers, "layers")[-1]
        channels = growing(self.channels, self.growth, self.layers)
        join = [JoinPlane(context, shape.height, shape.width)] if context else []
        features = channels[-1] * height * width
        return Network(
            *join,
            *self._convolutions(shape.channels + len(join), channels),
            nn.Flatten(),
            *self._hidden_layer(features),
            Linear(self.hidden or features, outputs),
        )

    def decoder(self, inputs: int, shape: ImageShape) -> Network:
        """Return linear, unflatten, the transposed convolutions."""
        *sizes, image_size = reversed(halved(shape, self.layers, "layers"))
        channels = growing(self.channels, self.growth, self.layers)[::-1]
        smallest = (channels[0], *sizes[0])
        return Network(
            *self._hidden_layer(inputs),
            Linear(self.hidden or inputs, ImageShape(*smallest).pixels),
            nn.Unflatten(1, smallest),
            *self.after_convolution(channels[0]),
            *(
                layer
                for between, widths in zip(pairwise(sizes), pairwise(channels), strict=True)
                for layer in (Deconvolution(*widths, *between), *self.after_convolution(widths[1]))
            ),
            NarrowDeconvolution(channels[-1], shape.channels, sizes[-1], image_size),
        )

    def _convolutions(self, inputs: int, channels: list[int]) -> list[nn.Module]:
        """Return strided convolutions of 3x3, each with what follows it."""
        convolutions = [
            nn.Conv2d(*widths, kernel_size=3, stride=2, padding=1) for widths in pairwise([inputs, *channels])
        ]
        after = [self.after_convolution(width) for width in channels]
        if not self.first_norm:
            after[0] = self.after_norm()
        return [layer for conv, layers in zip(convolutions, after, strict=True) for layer in (conv, *layers)]

    def _hidden_layer(self, inputs: int) -> list[nn.Module]:
        """Return the fully connected layer with what follows it, or nothing."""
        return [Linear(inputs, self.hidden), *self.after_linear(self.hidden)] if self.hidden else []
