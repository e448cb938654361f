"""The attention of DRAW (Gregor et al. 2015, section 3.2): a grid of K by K Gaussian filters laid over an image.

The network chooses centre g, stride δ and variance v of the filters, and an intensity. Counting pixels from 1, filter i
of K looks at μ_i = g + (i - K/2 - 1/2) δ (eq. 19, 20); its weights F_i,a ∝ exp(-(a - μ_i)² / 2v) sum to 1 over the
pixels a (eq. 25, 26). With the filters F of the rows and G of the columns, an image X is read as intensity · F X Gᵀ
(eq. 27), and a patch w is written as Fᵀ w G / intensity (eq. 29).
"""

from typing import NamedTuple

import torch
from torch import Tensor

PARAMETERS = 5
"""Centre of the columns, centre of the rows, log v, log δ and log intensity, as a network gives them."""


class Window(NamedTuple):
    """A grid over each of N images; on every channel of one image it is the same."""

    rows: Tensor
    """Filters of the rows [N, K, H]."""
    columns: Tensor
    """Filters of the columns [N, K, W]."""
    intensity: Tensor
    """The factor that reading multiplies by and writing divides by [N]."""

    def read(self, images: Tensor) -> Tensor:
        """Return the patches [N, C, K, K] of images [N, C, H, W] that the filters see."""
        patches = self.rows.unsqueeze(1) @ images @ self.columns.mT.unsqueeze(1)
        return patches * self.intensity[:, None, None, None]

    def write(self, patches: Tensor) -> Tensor:
        """Return images [N, C, H, W] with the patches [N, C, K, K] where the filters are."""
        images = self.rows.mT.unsqueeze(1) @ patches @ self.columns.unsqueeze(1)
        return images / self.intensity[:, None, None, None]


def window(parameters: Tensor, size: int, height: int, width: int) -> Window:
    """Return the windows that a network's output [N, PARAMETERS] asks for, with K = ``size``.

    Zeros ask for a grid over the whole image, its outermost filters on the outermost pixels (eq. 22 to 24).
    """
    x, y, log_variance, log_stride, log_intensity = parameters.unbind(-1)
    stride = log_stride.exp() * ((max(height, width) - 1) / max(size - 1, 1))
    return Window(
        rows=_filters((height + 1) / 2 * (y + 1), stride, log_variance, size, height),
        columns=_filters((width + 1) / 2 * (x + 1), stride, log_variance, size, width),
        intensity=log_intensity.exp(),
    )


def _filters(centre: Tensor, stride: Tensor, log_variance: Tensor, size: int, pixels: int) -> Tensor:
    """Return the weights [N, K, pixels] of the filters along one side.

    The sum to 1 is by softmax, which a filter far outside of the image does not bring to 0/0.
    """
    offsets = torch.arange(size, device=centre.device, dtype=centre.dtype) - (size - 1) / 2
    means = centre[:, None] + offsets * stride[:, None]
    positions = torch.arange(1, pixels + 1, device=centre.device, dtype=centre.dtype)
    squares = (positions - means[..., None]).square()
    return (-0.5 * squares * (-log_variance).exp()[:, None, None]).softmax(-1)
