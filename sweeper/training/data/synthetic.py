"""`synthetic`: images of any shape in any number of classes, computed and not read: for tests and first tries.

An image is a grating of waves, seen through a soft round window, with noise. Its class decides how the waves lie, how
many they are, where the window is and of which colour; its own are the phase, and small shifts of the rest.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from sweeper.training.data.images import Images, Split

DISTANCE, RADIUS, SHIFT = 0.3, 0.15, 0.03
"""The window: how far it is from the middle, its width, and the standard deviation of its place, in image widths."""
NOISE = 0.05
"""Standard deviation of each pixel's noise, in units of white."""
AT_ONCE = 1000
"""Images computed at once, as floating-point numbers."""


@dataclass(frozen=True)
class Synthetic:
    """Gratings; the same at every call.

    Attributes:
        channels: 1 for grey, 3 for colour.
        height: pixels from top to bottom.
        width: pixels from left to right.
        classes: kinds of images, equally frequent.
        train: images to train on.
        validation: images to select on.
        test: images to measure at the end.
        labels: how many training images keep their label; null for all.

    """

    channels: Literal[1, 3] = 1
    height: Annotated[int, Ge(2), Le(256)] = 8
    width: Annotated[int, Ge(2), Le(256)] = 8
    classes: Annotated[int, Ge(2), Le(100)] = 10
    train: Annotated[int, Ge(1), Le(50_000)] = 1000
    validation: Annotated[int, Ge(1), Le(50_000)] = 250
    test: Annotated[int, Ge(1), Le(50_000)] = 250
    labels: Annotated[int, Ge(1), Le(50_000)] | None = None

    def load(self, data_dir: Path | None = None) -> Images:  # noqa: ARG002 - no file is read
        """Compute the images; needs no file in `data_dir`."""
        train, validation, test = (
            self._split(count, seed) for seed, count in enumerate((self.train, self.validation, self.test))
        )
        return Images(train, validation, test, classes=self.classes).told(self.labels)

    def _split(self, count: int, seed: int) -> Split:
        random = np.random.RandomState(seed)
        labels = np.arange(count) % self.classes
        blocks = [self._draw(labels[start : start + AT_ONCE], random) for start in range(0, count, AT_ONCE)]
        return Split.of(np.concatenate(blocks), labels)

    def _draw(self, labels: NDArray[np.int64], random: np.random.RandomState) -> NDArray[np.uint8]:
        """Return images [N, C, H, W] of these classes [N]."""
        turn = (labels / self.classes)[:, None, None]
        shift = random.normal(0, SHIFT, (2, len(labels), 1, 1))
        y = ((np.arange(self.height) + 0.5) / self.height)[:, None]
        x = (np.arange(self.width) + 0.5) / self.width
        waves = (1 + labels % 3)[:, None, None] * (x * np.cos(np.pi * turn) + y * np.sin(np.pi * turn))
        grating = np.cos(2 * np.pi * (waves + random.uniform(0, 1, turn.shape)))
        across = x - 0.5 - DISTANCE * np.cos(2 * np.pi * turn) - shift[0]
        down = y - 0.5 - DISTANCE * np.sin(2 * np.pi * turn) - shift[1]
        window = np.exp(-(across**2 + down**2) / (2 * RADIUS**2))
        light = (window * (0.6 + 0.4 * grating))[:, None] * self._colours()[labels][:, :, None, None]
        light += random.normal(0, NOISE, light.shape)
        images: NDArray[np.uint8] = np.rint(255 * light.clip(0, 1)).astype(np.uint8)
        return images

    def _colours(self) -> NDArray[np.float64]:
        """Return how bright each channel is for each class [classes, C]."""
        if self.channels == 1:
            return np.ones((self.classes, 1))
        hue = np.arange(self.classes)[:, None] / self.classes + np.arange(3) / 3
        return 0.7 + 0.3 * np.cos(2 * np.pi * hue)
