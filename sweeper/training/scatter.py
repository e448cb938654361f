"""Points in the plane, coloured by class, as a PNG file.

A worker cannot afford to import a plotting library, which takes seconds; dots on white need none.
"""

import torch
from PIL import Image
from torch import Tensor

from models import UNKNOWN
from sweeper.training.png import png

SIDE = 240
"""Pixels of the picture's sides."""
REACH = 3.0
"""The picture shows at least so much to each side of the origin: nearly all draws from N(0, 1) are within."""

_WHITE, _GREY = (255, 255, 255), (90, 90, 90)
_COLOURS = (
    *((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189)),
    *((140, 86, 75), (227, 119, 194), (255, 215, 0), (128, 128, 0), (23, 190, 207)),
)
"""Of classes 0 to 9, in turn if there are more: Tableau's ten, but gold in the place of grey, and a darker olive."""
_DOT = 3
"""Pixels of a dot's sides."""


def scatter(points: Tensor, classes: Tensor | None) -> bytes:
    """Return a PNG of points [N, 2] around the origin in the middle, each a dot in the colour of its class [N].

    Both axes have one scale, on which the farthest point is at the edge, unless all are within `REACH`: a cloud that
    has shrunk to the origin is seen to have. Points without a class are grey; of dots in one place the last is seen,
    and what is not finite counts as 0.
    """
    finite = points.detach().double().cpu().nan_to_num(0.0, 0.0, 0.0)
    reach = max(REACH, finite.abs().max().item())
    right, up = ((1 + finite / reach) / 2 * (SIDE - _DOT)).round().long().unbind(-1)
    sheet = torch.zeros(SIDE, SIDE, dtype=torch.uint8)
    for x, y, colour in zip(right.tolist(), up.tolist(), _colours(len(points), classes), strict=True):
        bottom = SIDE - y
        sheet[bottom - _DOT : bottom, x : x + _DOT] = colour
    picture = Image.frombytes("P", (SIDE, SIDE), sheet.numpy().tobytes())
    picture.putpalette([value for colour in (_WHITE, *_COLOURS, _GREY) for value in colour])
    return png(picture)


def _colours(count: int, classes: Tensor | None) -> list[int]:
    """Return the places in the palette of so many points' colours."""
    unknown = torch.full((count,), UNKNOWN) if classes is None else classes.cpu()
    return torch.where(unknown == UNKNOWN, len(_COLOURS) + 1, unknown % len(_COLOURS) + 1).tolist()
