"""Colour images as grey ones."""

import numpy as np
from numpy.typing import NDArray

AT_ONCE = 10_000
"""Images computed at once, as wider integers."""


def grey_if(grey: bool, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images [N, 3, H, W], or where grey ones are asked for [N, 1, H, W]."""
    return luma(images) if grey else images


def luma(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the brightness [N, 1, H, W] of red, green and blue [N, 3, H, W].

    It is Y' = 0.299 R + 0.587 G + 0.114 B of ITU-R BT.601, rounded; in integers, so that every machine has the same.
    """
    count, _, height, width = images.shape
    grey = np.empty((count, 1, height, width), np.uint8)
    weights = np.array([299, 587, 114], np.uint32)
    for start in range(0, count, AT_ONCE):
        block = images[start : start + AT_ONCE].astype(np.uint32)
        grey[start : start + AT_ONCE, 0] = (np.einsum("c,nchw->nhw", weights, block) + 500) // 1000
    return grey
