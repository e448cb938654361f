"""Residual networks (He et al. 2016): f(x) + s(x), where the shortcut s is linear, so that gradients pass unhindered.

A block's body f is convolution, norm, activation, norm: its shortcut spans one convolution, two norms and one
nonlinearity. In an encoder the block halves the map: the convolution of 3x3 and that of 1x1 in the shortcut have stride
2. In a decoder it doubles the map: body and shortcut repeat each pixel up to the next size (nearest neighbour).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from annotated_types import Ge
from torch import Tensor, nn

from models.backbones.base import Backbone
from models.backbones.halving import Size, growing, halved
from models.backbones.hidden import HiddenLayers, Norm
from models.backbones.linear import Linear
from models.backbones.network import JoinPlane, Network, apply
from models.depth import Depth
from models.registry import register
from models.shapes import ImageShape


class ResidualBlock(Network):
    """The sum of a body and of the shortcut past it: two networks from maps to maps of one shape."""

    def __init__(self, body: Network, shortcut: Network) -> None:
        super().__init__(body, shortcut)

    def forward(self, x: Tensor, generator: torch.Generator | None = None, context: Tensor | None = None) -> Tensor:
        """Return f(x) + s(x)."""
        body, shortcut = self
        return apply(body, x, generator, context) + apply(shortcut, x, generator, context)


@register("residual")
@dataclass(frozen=True, kw_only=True)
class Residual(HiddenLayers, Backbone):
    """Each block halves the image, odd sizes rounded up, and doubles the channels; the decoder goes back the same way.

    Without norm, a body is convolution and activation.
    """

    norm: Norm = "batch"
    """"batch" normalizes each feature over the batch (Ioffe & Szegedy 2015), "layer" each image (Ba et al. 2016)."""
    channels: Annotated[int, Ge(1)] = 32
    """Channels of the hidden map next to the image."""
    blocks: Depth = 2
    """Blocks of the encoder, and of the decoder."""

    def encoder(self, shape: ImageShape, outputs: int, context: int = 0) -> Network:
        """Return the blocks, flatten, linear; the context is joined to the image as one more channel."""
        height, width = halved(shape, self.blocks, "blocks")[-1]
        channels = growing(self.channels, 2, self.blocks)
        join = [JoinPlane(context, shape.height, shape.width)] if context else []
        return Network(
            *join,
            *(self._halving(*widths) for widths in pairwise([shape.channels + len(join), *channels])),
            nn.Flatten(),
            Linear(channels[-1] * height * width, outputs),
        )

    def decoder(self, inputs: int, shape: ImageShape) -> Network:
        """Return linear, unflatten, the blocks, convolution."""
        smallest, *sizes = reversed(halved(shape, self.blocks, "blocks"))
        channels = growing(self.channels, 2, self.blocks)[::-1]
        widths = pairwise([*channels, self.channels])
        return Network(
            Linear(inputs, ImageShape(channels[0], *smallest).pixels),
            nn.Unflatten(1, (channels[0], *smallest)),
            *self.after_convolution(channels[0]),
            *(self._doubling(*between, size) for between, size in zip(widths, sizes, strict=True)),
            nn.Conv2d(self.channels, shape.channels, kernel_size=3, padding=1),
        )

    def _halving(self, inputs: int, outputs: int) -> ResidualBlock:
        return ResidualBlock(
            Network(nn.Conv2d(inputs, outputs, kernel_size=3, stride=2, padding=1), *self._after(outputs)),
            Network(nn.Conv2d(inputs, outputs, kernel_size=1, stride=2)),
        )

    def _doubling(self, inputs: int, outputs: int, size: Size) -> ResidualBlock:
        upsample = nn.Upsample(size)
        return ResidualBlock(
            Network(upsample, nn.Conv2d(inputs, outputs, kernel_size=3, padding=1), *self._after(outputs)),
            Network(nn.Conv2d(inputs, outputs, kernel_size=1), upsample),  # the order that is cheaper, and the same
        )

    def _after(self, channels: int) -> list[nn.Module]:
        """Return what follows the convolution of a body."""
        return [*self.after_convolution(channels), *self.norm_of_maps(channels)]
