"""What a model is trained on at one step: images, and their labels where there are any."""

from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor

UNKNOWN = -1
"""The label of an image whose class was not told."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images of a data set."""

    x: Tensor
    """Images [B, C, H, W], as the model's image space gives them."""
    y: Tensor | None = None
    """Classes [B], int64, `UNKNOWN` where one was not told; None where the data set has none."""

    def __len__(self) -> int:
        return len(self.x)

    def split(self, size: int) -> list["Batch"]:
        """Return the images in their order, in batches of ``size``, the last with what is left."""
        labels = repeat(None) if self.y is None else torch.split(self.y, size)
        return [Batch(x, y) for x, y in zip(torch.split(self.x, size), labels, strict=False)]
