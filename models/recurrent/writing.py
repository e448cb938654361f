"""What DRAW's decoder adds to its canvas at a step (Gregor et al. 2015, eq. 18, 28 and 29)."""

from torch import Tensor, nn

from models.backbones.linear import Linear
from models.recurrent.window import PARAMETERS, window
from models.shapes import ImageShape


class WholeWriter(nn.Module):
    """Writes on the whole canvas."""

    def __init__(self, shape: ImageShape, inputs: int) -> None:
        """Take outputs of the decoder of so many ``inputs``, for a canvas of this shape."""
        super().__init__()
        self.shape = shape
        self.stroke = Linear(inputs, shape.pixels)

    def forward(self, output: Tensor) -> Tensor:
        """Return what to add [N, *shape] by the output [N, inputs]."""
        stroke: Tensor = self.stroke(output)
        return stroke.view(-1, *self.shape)


class AttentiveWriter(nn.Module):
    """Writes a patch through a window; the decoder's output decides on both."""

    def __init__(self, shape: ImageShape, size: int, inputs: int) -> None:
        """Take ``size`` by ``size`` filters, and outputs of the decoder of so many ``inputs``, for a canvas."""
        super().__init__()
        self.shape = shape
        self.size = size
        self.place = Linear(inputs, PARAMETERS)
        self.patch = Linear(inputs, shape.channels * size**2)

    def forward(self, output: Tensor) -> Tensor:
        """Return what to add [N, *shape] by the output [N, inputs]."""
        patch = self.patch(output).view(-1, self.shape.channels, self.size, self.size)
        return window(self.place(output), self.size, self.shape.height, self.shape.width).write(patch)
