"""Some pixels of an image as a condition for the rest: p(hidden|observed), the completion of Sohn et al. 2015, sec. 5.

The likelihood is that of the hidden pixels alone.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.batch import Batch
from models.conditions.base import Condition, Conditioning
from models.registry import register
from models.shapes import ImageShape

Part = Literal["top", "bottom", "left", "right", "1_quadrant", "2_quadrants", "3_quadrants"]


class PixelConditioning(Conditioning):
    """Networks get the values of the observed pixels."""

    def __init__(self, channels: int, mask: Tensor, part: str = "some") -> None:
        """Take the pixels as observed where ``mask`` [H, W], boolean, is true; ``part`` is a word for that."""
        self.given = f"pixels:{part}"
        self.mask = mask
        self._observed = mask.flatten().nonzero().squeeze(-1)
        self._hidden = (~mask).flatten().nonzero().squeeze(-1)
        self.size = channels * len(self._observed)

    def context(self, batch: Batch) -> Tensor:
        """Return the observed values [B, channels * observed pixels]."""
        return _select(batch.x, self._observed).flatten(1)

    def unknown(self, images: Tensor) -> Tensor:
        """Return the hidden pixels [..., C, hidden pixels, 1]."""
        return _select(images, self._hidden).unsqueeze(-1)

    def complete(self, images: Tensor, context: Tensor | None) -> Tensor:
        """Return the images with the observed values of the context in their places."""
        if context is None:
            raise ValueError("a model with condition pixels needs observed pixels")
        told = context.to(images.dtype).view(len(context), images.shape[-3], -1).expand(*images.shape[:-2], -1)
        return images.flatten(-2).index_copy(-1, self._observed.to(images.device), told).view(images.shape)


def _select(images: Tensor, pixels: Tensor) -> Tensor:
    """Return some pixels [..., C, P], three times as fast as by advanced indexing."""
    return images.flatten(-2).index_select(-1, pixels.to(images.device))


@register("pixels")
@dataclass(frozen=True, kw_only=True)
class Pixels(Condition):
    """The model is told a part of the image."""

    observed: Part = "top"
    """A half, or so many quadrants of four: first the lower left, then the upper left, then the upper right one."""

    def bind(self, shape: ImageShape, classes: int) -> PixelConditioning:  # noqa: ARG002 (the contract names it)
        """Return the condition for images of this shape."""
        if min(shape.height, shape.width) < 2:
            raise ValueError(f"condition pixels needs images of at least 2x2, not {shape.height}x{shape.width}")
        return PixelConditioning(shape.channels, self.mask(shape.height, shape.width), self.observed)

    def mask(self, height: int, width: int) -> Tensor:
        """Return where pixels are observed, boolean [H, W]."""
        upper = (torch.arange(height, device="cpu") < height // 2)[:, None].expand(height, width)
        left = (torch.arange(width, device="cpu") < width // 2).expand(height, width)
        match self.observed:
            case "top":
                return upper
            case "bottom":
                return ~upper
            case "left":
                return left
            case "right":
                return ~left
            case "1_quadrant":
                return ~upper & left
            case "2_quadrants":
                return left
            case "3_quadrants":
                return left | upper
