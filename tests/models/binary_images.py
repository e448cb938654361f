"""All binary images of a tiny shape: what a model says of them can be added up."""

from itertools import product

import torch
from torch import Tensor

from models import ImageShape


def all_images(shape: ImageShape) -> Tensor:
    """Return the 2^pixels images [2^pixels, *shape], in double precision."""
    return torch.tensor(list(product([0.0, 1.0], repeat=shape.pixels)), dtype=torch.float64).view(-1, *shape)
