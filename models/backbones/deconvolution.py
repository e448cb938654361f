"""The transposed 3x3 convolution of stride 2 between two stated sizes, which undoes the halving of odd sizes too."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones.halving import Size


class Deconvolution(nn.ConvTranspose2d):
    """From maps [N, inputs, *input_size] to [N, outputs, *output_size]; a size 2n or 2n - 1 comes from a size n."""

    def __init__(self, inputs: int, outputs: int, input_size: Size, output_size: Size) -> None:
        (height, width), (height_out, width_out) = input_size, output_size
        odd = (height_out - (2 * height - 1), width_out - (2 * width - 1))
        super().__init__(inputs, outputs, kernel_size=3, stride=2, padding=1, output_padding=odd)
        self.output_size = output_size


class NarrowDeconvolution(Deconvolution):
    """The same for few outputs: on a CPU and without gradients, as a matrix product and a sum of overlapping patches.

    oneDNN's kernel takes about as long for 1 output as for 32, so this saves evaluation 40 % of the decoder for 8x8
    images. The gradient of the sum would cost more than that saves: training goes the usual way.
    """

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return maps [N, outputs, *output_size]."""
        if torch.is_grad_enabled() or not x.is_cpu or self.bias is None:
            return super().forward(x, output_size)
        patches = self.weight.flatten(1).t() @ x.flatten(2)
        maps = F.fold(patches, self.output_size, kernel_size=3, stride=2, padding=1)
        return maps + self.bias[:, None, None]
