"""What a model shows: new images, images it has rebuilt, paths between new ones, and where it puts the classes.

Every picture is drawn with the noise that it is given, so that those of two epochs show the same draws.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from models import Batch, GenerativeModel, LatentVariableModel
from models.inference import interpolate, principal_components
from sweeper.training.grids import grid, row_by_row
from sweeper.training.restore import codes
from sweeper.training.scatter import scatter

Noise = Callable[[], torch.Generator]
"""Makes a generator that begins anew, the same each time."""

_PICTURES = 64
_COLUMNS = 8
_ROWS = 8
_PATHS = 2
_POINTS = 1000


@torch.no_grad()
def draw(model: GenerativeModel, examples: Batch, noise: Noise) -> dict[str, bytes]:
    """Return the pictures of a model by kind, each the content of a PNG file.

    "samples" are E[x|z] of draws z from the prior, and "interpolation" of the points on straight lines between two
    draws, a line in a row. Models that can rebuild images have "reconstructions", rows of the first examples above rows
    of what is made of them, and "latents", the latent vectors inferred for the examples in the colours of their classes
    (see `scatter`): two values, or the first two principal components of more. A conditional model is told what is
    known of some examples; where they have labels, its samples of one class stand in a column.
    """
    model.eval()
    pictures = {
        "samples": _samples(model, examples, noise()),
        "interpolation": _interpolation(model, examples, noise()),
    }
    if isinstance(model.density, LatentVariableModel):
        pictures["reconstructions"] = _reconstructions(model.density, examples, noise())
        pictures["latents"] = _latents(model.density, first(examples, _POINTS))
    return pictures


def _samples(model: GenerativeModel, examples: Batch, generator: torch.Generator) -> bytes:
    told, columns = first(examples, _PICTURES), _COLUMNS
    if model.conditioning.size and examples.y is not None:
        told, columns = column_by_class(examples.x, examples.y, _ROWS)
    context = model.conditioning.context(told)
    count = _PICTURES if context is None else len(told)
    return grid(model.mean(model.prior(count, generator, context), context), columns)


def _interpolation(model: GenerativeModel, examples: Batch, generator: torch.Generator) -> bytes:
    """Return a picture of paths, each with one context from end to end."""
    context = model.conditioning.context(first(examples, _PATHS))
    count = _PATHS if context is None else len(context)
    begin, end = model.prior(count, generator, context), model.prior(count, generator, context)
    z = interpolate(begin, end, _COLUMNS - 1).transpose(0, 1).flatten(0, 1)
    told = None if context is None else context.repeat_interleave(_COLUMNS, 0)
    return grid(model.mean(z, told), _COLUMNS)


def _reconstructions(model: LatentVariableModel, examples: Batch, generator: torch.Generator) -> bytes:
    columns = min(_COLUMNS, len(examples))
    shown = first(examples, min(_PICTURES // 2, len(examples)) // columns * columns)
    return grid(row_by_row(shown.x, model.reconstruct(shown, generator), columns), columns)


def _latents(model: LatentVariableModel, examples: Batch) -> bytes:
    return scatter(plane(codes(model, examples)), examples.y)


def plane(latents: Tensor) -> Tensor:
    """Return latent vectors [N, L] as points [N, 2]: of more than two values the first two principal components.

    What is not finite counts as 0; the second coordinate of a single value is 0.
    """
    finite = latents.double().cpu().nan_to_num(0.0, 0.0, 0.0)
    points = principal_components(finite, 2) if finite.shape[1] > 2 else finite
    return F.pad(points, (0, 2 - points.shape[1]))


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
