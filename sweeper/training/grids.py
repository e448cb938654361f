"""Grids of images as PNG files.

torchvision has such a grid too, but importing it would cost every worker seconds.
"""

import math
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from sweeper.files import write_atomically
from sweeper.training.png import png

_SCALE_TO = 56
"""Pixels of one image's longer side in a grid, at least: an 8x8 digit would else be a dot."""


def row_by_row(originals: Tensor, rebuilt: Tensor, columns: int) -> Tensor:
    """Lay [N, C, H, W] out so that each row of originals stands above the row of its reconstructions."""
    pairs = zip(torch.split(originals, columns), torch.split(rebuilt, columns), strict=True)
    return torch.cat([row for pair in pairs for row in pair])


def save_grid(path: Path, images: Tensor, columns: int) -> None:
    """Save what `grid` returns."""
    write_atomically(path, grid(images, columns))


def grid(images: Tensor, columns: int) -> bytes:
    """Return a PNG of images [N, C, H, W] with values in [0, 1], C 1 or 3, row by row with ``columns`` in a row.

    What is outside is cut off, and NaN is black: a model that has diverged has something to show as well.
    """
    pixels = _tile(_enlarge(images.detach().float().cpu().nan_to_num(0.0).clamp(0, 1)), columns)
    array = (pixels * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return png(Image.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array))


def _enlarge(images: Tensor) -> Tensor:
    factor = max(1, math.ceil(_SCALE_TO / max(images.shape[-2:])))
    return images.repeat_interleave(factor, -1).repeat_interleave(factor, -2)


def _tile(images: Tensor, columns: int, gap: int = 2) -> Tensor:
    """Lay [N, C, H, W] out as one image [C, rows * (H + gap) + gap, columns * (W + gap) + gap] on grey."""
    count, channels, height, width = images.shape
    rows = math.ceil(count / columns)
    sheet = images.new_full((channels, rows * (height + gap) + gap, columns * (width + gap) + gap), 0.5)
    for index, image in enumerate(images):
        top = (index // columns) * (height + gap) + gap
        left = (index % columns) * (width + gap) + gap
        sheet[:, top : top + height, left : left + width] = image
    return sheet
