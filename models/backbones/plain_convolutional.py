"""An encoder of convolutions that keep the size of the image, beside a fully connected decoder.

The convolutions have kernels of 3x3, stride 1 and padding 1; one linear map takes all the features of the last of them.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from annotated_types import Ge
from torch import nn

from models.backbones.base import Backbone
from models.backbones.fully_connected import FullyConnected
from models.backbones.hidden import HiddenLayers
from models.backbones.linear import Linear
from models.backbones.network import JoinPlane, Network
from models.depth import Depth
from models.registry import register
from models.shapes import ImageShape


@register("plain_conv")
@dataclass(frozen=True, kw_only=True)
class PlainConvolutional(HiddenLayers, Backbone):
    """Convolutions see the image, but do not draw it: what is left of a convolutional VAE with half of its idea."""

    channels: Annotated[int, Ge(1)] = 16
    """Channels of every hidden map."""
    layers: Depth = 2
    """Convolutions of the encoder."""
    hidden: Annotated[int, Ge(1)] = 100
    """Units of the decoder's hidden layer."""

    def encoder(self, shape: ImageShape, outputs: int, context: int = 0) -> Network:
        """Return the convolutions, flatten, linear; the context is joined to the image as one more channel."""
        join = [JoinPlane(context, shape.height, shape.width)] if context else []
        widths = [shape.channels + len(join)] + [self.channels] * self.layers
        convolutions = [nn.Conv2d(*channels, kernel_size=3, padding=1) for channels in pairwise(widths)]
        return Network(
            *join,
            *(layer for conv in convolutions for layer in (conv, *self.after_convolution(self.channels))),
            nn.Flatten(),
            Linear(self.channels * shape.height * shape.width, outputs),
        )

    def decoder(self, inputs: int, shape: ImageShape) -> Network:
        """Return hidden layer, linear, unflatten."""
        perceptron = FullyConnected(
            hidden=self.hidden, norm=self.norm, activation=self.activation, dropout=self.dropout
        )
        return perceptron.decoder(inputs, shape)
