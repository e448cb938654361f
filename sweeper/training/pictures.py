"""What a trial shows: grids of images as PNG files.

torchvision has such a grid too, but importing it would cost every worker seconds.
"""

import math
from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from models import Batch, GenerativeModel, LatentVariableModel
from sweeper.training.files import write_atomically

SAMPLES, RECONSTRUCTIONS = "samples.png", "reconstructions.png"

_PICTURES = 64
_COLUMNS = 8
_ROWS = 8
_SCALE_TO = 56
"""Pixels of one image's longer side in a grid, at least: an 8x8 digit would else be a dot."""


def draw(folder: Path, model: GenerativeModel, examples: Batch, generator: torch.Generator) -> None:
    """Save samples of a model and, if it can rebuild images, the first of the examples above what it makes of them.

    A conditional model is told what is known of some examples; where they have labels, those of one class in a column.
    """
    model.eval()
    _draw_samples(folder, model, examples, generator)
    if not isinstance(model.density, LatentVariableModel):
        return
    columns = min(_COLUMNS, len(examples))
    shown = first(examples, min(_PICTURES // 2, len(examples)) // columns * columns)
    rebuilt = model.density.reconstruct(shown, generator)
    save_grid(folder / RECONSTRUCTIONS, row_by_row(shown.x, rebuilt, columns), columns)


def _draw_samples(folder: Path, model: GenerativeModel, examples: Batch, generator: torch.Generator) -> None:
    told, columns = first(examples, _PICTURES), _COLUMNS
    if model.conditioning.size and examples.y is not None:
        told, columns = column_by_class(examples.x, examples.y, _ROWS)
    context = model.conditioning.context(told)
    count = _PICTURES if context is None else len(told)
    with torch.no_grad():
        save_grid(folder / SAMPLES, model.mean(model.prior(count, generator, context), context), columns)


def first(batch: Batch, count: int) -> Batch:
    """Return the first so many images of a batch."""
    return batch.split(count)[0]


def column_by_class(x: Tensor, y: Tensor, rows: int) -> tuple[Batch, int]:
    """Return the first images of each class, row by row with a class in each column, and the number of columns.

    A class with fewer images than rows repeats them.
    """
    columns = [(y == label).nonzero().squeeze(-1) for label in torch.bincount(y).nonzero()]
    turns = torch.arange(rows, device=y.device)
    index = torch.stack([column[turns % len(column)] for column in columns], 1).flatten()
    return Batch(x[index], y[index]), len(columns)


def row_by_row(originals: Tensor, rebuilt: Tensor, columns: int) -> Tensor:
    """Lay [N, C, H, W] out so that each row of originals stands above the row of its reconstructions."""
    pairs = zip(torch.split(originals, columns), torch.split(rebuilt, columns), strict=True)
    return torch.cat([row for pair in pairs for row in pair])


def save_grid(path: Path, images: Tensor, columns: int) -> None:
    """Save images [N, C, H, W] with values in [0, 1], C 1 or 3, row by row with ``columns`` in a row.

    What is outside is cut off, and NaN is black: a model that has diverged has something to show as well.
    """
    pixels = _tile(_enlarge(images.detach().float().cpu().nan_to_num(0.0).clamp(0, 1)), columns)
    array = (pixels * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    buffer = BytesIO()
    Image.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array).save(buffer, format="PNG")
    write_atomically(path, buffer.getvalue())


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
