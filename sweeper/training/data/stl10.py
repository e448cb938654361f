"""`stl10`: photographs from ImageNet, 13,000 of them labelled and 100,000 not, shrunk from 96 by 96 to 64 by 64 pixels.

Source: A. Coates, H. Lee, A. Y. Ng, "An Analysis of Single Layer Networks in Unsupervised Feature Learning", AISTATS
2011.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from models import UNKNOWN
from sweeper.training.data.archive import members
from sweeper.training.data.colour import grey_if
from sweeper.training.data.files import DataFile, data_folder
from sweeper.training.data.images import Images, Split
from sweeper.training.data.splits import hold_out

SIZE = 96
AT_ONCE = 1000
"""Images read at once: all of them are 3 GB before they are shrunk."""


def _mirrors() -> list[str]:
    """Return the address that torchvision knows; importing it takes seconds, so only where it is needed."""
    from torchvision.datasets import STL10

    return [STL10.url]


ARCHIVE = DataFile("stl10_binary.tar.gz", None, "91f7769df0f17e558f3565bffb0c7dfb", _mirrors)
TRAIN, TRAIN_LABELS, UNLABELLED, TEST, TEST_LABELS = (
    f"stl10_binary/{name}.bin" for name in ("train_X", "train_y", "unlabeled_X", "test_X", "test_y")
)


@dataclass(frozen=True)
class Stl10:
    """Photographs of ten kinds of animals and vehicles, the unlabelled ones of other kinds too.

    Training is on the published train and unlabelled sets, 105,000 images; the test split is the published one of
    8,000.

    Attributes:
        validation: how many of the 5,000 labelled training images are held out of train.
        grey: whether images have one channel instead of three.

    """

    validation: Annotated[int, Ge(1), Le(4999)] = 1000
    grey: bool = False

    def load(self, data_dir: Path | None = None) -> Images:
        """Read, shrink and split the images; see `Dataset.load`. It takes a minute, and 3 GB of memory."""
        archive = ARCHIVE.locate(data_folder(data_dir))
        images, labels = self._read(archive)
        kept, held = hold_out(labels[TRAIN_LABELS], self.validation)
        unknown = np.full(len(images[UNLABELLED]), UNKNOWN, np.int64)
        return Images(
            train=Split.of(
                np.concatenate([images[TRAIN][kept], images[UNLABELLED]]),
                np.concatenate([labels[TRAIN_LABELS][kept], unknown]),
            ),
            validation=Split.of(images[TRAIN][held], labels[TRAIN_LABELS][held]),
            test=Split.of(images[TEST], labels[TEST_LABELS]),
            classes=10,
        )

    def _read(self, archive: Path) -> tuple[dict[str, NDArray[np.uint8]], dict[str, NDArray[np.int64]]]:
        """Return the images and the labels in the archive, by the names of their files."""
        images, labels = {}, {}
        for name, file in members(archive, {TRAIN, TRAIN_LABELS, UNLABELLED, TEST, TEST_LABELS}):
            if name in (TRAIN_LABELS, TEST_LABELS):
                labels[name] = parse_labels(file.read())
            else:
                images[name] = self._shrunk(file)
        return images, labels

    def _shrunk(self, file: IO[bytes]) -> NDArray[np.uint8]:
        blocks = []
        while content := file.read(AT_ONCE * 3 * SIZE * SIZE):
            blocks.append(grey_if(self.grey, shrink(parse_images(content))))
        return np.concatenate(blocks)


def parse_labels(content: bytes) -> NDArray[np.int64]:
    """Return labels [N] from 0, where the file counts from 1."""
    return np.frombuffer(content, np.uint8).astype(np.int64) - 1


def parse_images(content: bytes) -> NDArray[np.uint8]:
    """Return images [N, 3, 96, 96]; the file has red, green and blue one after the other, each column by column."""
    return np.frombuffer(content, np.uint8).reshape(-1, 3, SIZE, SIZE).swapaxes(2, 3)


def shrink(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images [N, C, 2 h, 2 w] of images [N, C, 3 h, 3 w]: the mean over the area of each new pixel, rounded.

    Of three pixels in a row, a new one covers one and half of the next; in integers, so that every machine has the
    same.
    """
    count, channels, height, width = images.shape
    wide = images.astype(np.uint16).reshape(count, channels, height // 3, 3, width // 3, 3)
    rows = _two_of_three(wide[:, :, :, 0], wide[:, :, :, 1], wide[:, :, :, 2], axis=3)
    both = _two_of_three(rows[..., 0], rows[..., 1], rows[..., 2], axis=5)
    mean = (both + 4) // 9
    return mean.astype(np.uint8).reshape(count, channels, height // 3 * 2, width // 3 * 2)


def _two_of_three(
    first: NDArray[np.uint16], second: NDArray[np.uint16], third: NDArray[np.uint16], axis: int
) -> NDArray[np.uint16]:
    """Return three times the means of the first and of the last one and a half of three."""
    return np.stack([2 * first + second, second + 2 * third], axis)
