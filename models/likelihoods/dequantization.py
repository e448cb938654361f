"""Grey levels as real numbers: x = (v + u)/256 of a level v in 0..255, with u uniform in (0, 1) (Uria et al. 2013).

A density has a finite likelihood on such images, and an honest one: E_u[log p((v + u)/256)] - log 256 for each pixel is
a lower bound of the log-probability that p gives to the level v (Theis et al. 2016, sec. 3.1). On the levels themselves
it could grow without limit, by ever higher peaks at the 256 values that occur.
"""

import torch
from torch import Tensor

from models.spaces import ImageSpace

LEVELS = 256

EDGE = 2.0**-24
"""The least distance of x from 0 and from 1, where a density may be infinite; 1 - EDGE is the last float32 before 1."""


class Dequantized(ImageSpace):
    """Images in the open interval (0, 1), drawn anew for each training batch.

    What is drawn does not fit into uint8, so that `fix` has nothing to do: measures that are to be about the same
    images draw them by the same generator.
    """

    @property
    def redraws(self) -> bool:
        """Each batch is drawn anew."""
        return True

    @property
    def level_width(self) -> float:
        """A density is averaged over the interval of a level."""
        return 1 / LEVELS

    def fix(self, images: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002 (the contract names it)
        """Return the images as they are."""
        return images

    def preprocess(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return (v + u)/256, from EDGE to 1 - EDGE."""
        noise = torch.rand(images.shape, generator=generator, device=images.device)
        margin = LEVELS * EDGE  # with it, the sum of 255 and the noise is below 256 in float32 too
        return noise.clamp_(margin, 1 - margin).add_(images).div_(LEVELS)
