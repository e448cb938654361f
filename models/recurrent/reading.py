"""What DRAW's encoder sees at a step: the image and what is still missing of it (Gregor et al. 2015, eq. 17 and 27)."""

import torch
from torch import Tensor, nn

from models.backbones.linear import Linear
from models.recurrent.window import PARAMETERS, window
from models.shapes import ImageShape


class WholeReader(nn.Module):
    """Reads all pixels."""

    def __init__(self, shape: ImageShape) -> None:
        super().__init__()
        self.outputs = 2 * shape.pixels

    def forward(self, x: Tensor, error: Tensor, output: Tensor) -> Tensor:  # noqa: ARG002 (who attends needs it)
        """Return images and errors [N, C, H, W] as vectors [N, outputs]."""
        return torch.cat([x.flatten(1), error.flatten(1)], -1)


class AttentiveReader(nn.Module):
    """Reads through a window that the decoder's last output places."""

    def __init__(self, shape: ImageShape, size: int, inputs: int) -> None:
        """Take ``size`` by ``size`` filters, and outputs of the decoder of so many ``inputs``."""
        super().__init__()
        self.size = size
        self.outputs = 2 * shape.channels * size**2
        self.place = Linear(inputs, PARAMETERS)

    def forward(self, x: Tensor, error: Tensor, output: Tensor) -> Tensor:
        """Return what is seen of images and errors [N, C, H, W] as vectors [N, outputs], by the output [N, inputs]."""
        seen = window(self.place(output), self.size, *x.shape[-2:])
        return seen.read(torch.cat([x, error], 1)).flatten(1)
