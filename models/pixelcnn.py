"""Gated PixelCNN (van den Oord et al. 2016, arXiv 1606.05328, section 2): each pixel given those before it.

In raster order, p(x) = Π_i p(x_i|x_1 … x_{i-1}). Two stacks of causal convolutions see the pixels before i: the
vertical one all rows above, the horizontal one what is to the left in the row of i. Together they have no blind spot.
A layer is y = tanh(W_f * x) ⊙ sigmoid(W_g * x) (eq. 2), to which a map s of features adds V * s (eq. 4).

The channels of one pixel are independent given the pixels before it and the features, as they are for a decoder without
autoregression: no order is imposed on colours.

A causal convolution is one of an image that was padded on one side, which computes nothing that a mask would discard.

Shapes: images [N, C, H, W], features [N, F, H, W], output [N, outputs, H, W].
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PixelCNN(nn.Module):
    """From images and features to the likelihood's raw input, which at each pixel depends on those before it alone."""

    def __init__(self, inputs: int, features: int, outputs: int, channels: int, layers: int, kernel: int) -> None:
        """Take images of so many channels (``inputs``) and maps of so many features.

        Hidden maps have ``channels``; ``kernel``, odd, is the width of a vertical convolution, of which height and
        reach to the left are the half, rounded up. Raises ValueError for an even one.
        """
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; must be odd, as many pixels to the left as to the right")
        self.inputs = inputs
        widths = [inputs] + [channels] * (layers - 1)
        self.layers = nn.ModuleList(GatedLayer(width, features, channels, kernel) for width in widths)
        self.hidden = nn.Conv2d(channels, channels, kernel_size=1)
        self.output = nn.Conv2d(channels, outputs, kernel_size=1)
        self.rows_above = 1 + layers * (kernel // 2)
        """How many rows above its own a pixel depends on."""

    def forward(self, images: Tensor, features: Tensor) -> Tensor:
        """Return raw [N, outputs, H, W]."""
        return self.along_rows(images, self.from_above(images, features))

    def from_above(self, images: Tensor, features: Tensor) -> list[Tensor]:
        """Return what every layer is told by the rows above and by the features [N, 2 channels, H, W]."""
        vertical = F.pad(images, (0, 0, 1, -1))
        messages = []
        for layer in self._gated_layers():
            vertical, message = layer.down(vertical, features)
            messages.append(message)
        return messages

    def along_rows(self, images: Tensor, messages: list[Tensor]) -> Tensor:
        """Return raw [N, outputs, H, W], given what `from_above` has returned for these rows."""
        horizontal = F.pad(images, (1, -1))
        for layer, message in zip(self._gated_layers(), messages, strict=True):
            horizontal = layer.right(horizontal, message)
        raw: Tensor = self.output(self.hidden(horizontal.relu()).relu())
        return raw

    def _gated_layers(self) -> "list[GatedLayer]":
        return cast("list[GatedLayer]", self.layers)


class GatedLayer(nn.Module):
    """One layer of both stacks."""

    def __init__(self, inputs: int, features: int, channels: int, kernel: int) -> None:
        super().__init__()
        aside, reach = kernel // 2, kernel // 2 + 1
        self.vertical = PaddedConv2d(inputs, 2 * channels, (reach, kernel), (aside, aside, reach - 1, 0))
        self.horizontal = PaddedConv2d(inputs, 2 * channels, (1, reach), (reach - 1, 0, 0, 0))
        self.across = nn.Conv2d(2 * channels, 2 * channels, kernel_size=1)
        self.features = nn.Conv2d(features, 4 * channels, kernel_size=1)
        self.out = nn.Conv2d(channels, channels, kernel_size=1)
        self.residual = inputs == channels
        """Whether what goes out is added to what came in, which the first layer's images are too narrow for."""

    def down(self, vertical: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vertical stack's next map [N, channels, H, W], and the message to the horizontal one."""
        seen = self.vertical(vertical)
        for_vertical, for_horizontal = self.features(features).chunk(2, 1)
        return gated(seen + for_vertical), self.across(seen) + for_horizontal

    def right(self, horizontal: Tensor, message: Tensor) -> Tensor:
        """Return the horizontal stack's next map [N, channels, H, W]."""
        out: Tensor = self.out(gated(self.horizontal(horizontal) + message))
        return horizontal + out if self.residual else out


class PaddedConv2d(nn.Conv2d):
    """A convolution that sees no more than zeros are padded (left, right, top, bottom)."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], padding: tuple[int, int, int, int]) -> None:
        super().__init__(inputs, outputs, kernel)
        self.zeros = padding

    def forward(self, x: Tensor) -> Tensor:
        """Return maps [N, outputs, H, W] of maps [N, inputs, H, W]."""
        return super().forward(F.pad(x, self.zeros))


def gated(x: Tensor) -> Tensor:
    """Return tanh of the first half of the channels times sigmoid of the second: [N, channels, H, W]."""
    value, gate = x.chunk(2, 1)
    return torch.tanh(value) * torch.sigmoid(gate)
