"""Strided convolutions down to a small map, transposed ones back up (as in DCGAN, Radford et al. 2016)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from annotated_types import Ge
from torch import nn

from models.backbones.base import Backbone
from models.backbones.deconvolution import Deconvolution, NarrowDeconvolution, Size
from models.backbones.hidden import HiddenLayers
from models.backbones.linear import Linear
from models.backbones.network import Network
from models.registry import register
from models.shapes import ImageShape


@register("conv")
@dataclass(frozen=True, kw_only=True)
class Convolutional(HiddenLayers, Backbone):
    """Each layer halves the image, odd sizes rounded up (28, 14, 7, 4); the decoder goes back through the same sizes.

    All layers have the same number of channels, which keeps the decoder cheap: a tight bound evaluates it hundreds of
    times for each image.
    """

    channels: Annotated[int, Ge(1)] = 32
    """Channels of every hidden map."""
    layers: Annotated[int, Ge(1)] = 2
    """Convolutions of the encoder, and transposed convolutions of the decoder."""

    def encoder(self, shape: ImageShape, outputs: int) -> Network:
        """Return the convolutions, flatten, linear."""
        height, width = self._sizes(shape)[-1]
        widths = [shape.channels] + [self.channels] * self.layers
        convolutions = [nn.Conv2d(*channels, kernel_size=3, stride=2, padding=1) for channels in pairwise(widths)]
        return Network(
            *(layer for conv in convolutions for layer in (conv, *self.after_convolution(self.channels))),
            nn.Flatten(),
            Linear(self.channels * height * width, outputs),
        )

    def decoder(self, inputs: int, shape: ImageShape) -> Network:
        """Return linear, unflatten, the transposed convolutions."""
        *sizes, image_size = reversed(self._sizes(shape))
        height, width = sizes[0]
        deconvolutions = [Deconvolution(self.channels, self.channels, *between) for between in pairwise(sizes)]
        return Network(
            Linear(inputs, self.channels * height * width),
            nn.Unflatten(1, (self.channels, height, width)),
            *self.after_convolution(self.channels),
            *(layer for deconv in deconvolutions for layer in (deconv, *self.after_convolution(self.channels))),
            NarrowDeconvolution(self.channels, shape.channels, sizes[-1], image_size),
        )

    def _sizes(self, shape: ImageShape) -> list[Size]:
        """Return height and width of the image and of each layer's map, the smallest last."""
        halvings = (min(shape.height, shape.width) - 1).bit_length()
        if self.layers > halvings:
            raise ValueError(
                f"layers is {self.layers}, but each convolution halves the image, and one of "
                f"{shape.height}x{shape.width} can be halved at most {halvings} times"
            )
        return [(-(-shape.height // 2**n), -(-shape.width // 2**n)) for n in range(self.layers + 1)]
