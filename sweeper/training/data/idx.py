"""The idx format of MNIST and its relatives: four files, a published test set, labels from 0 to 9."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sweeper.training.data.files import DataFile, data_folder
from sweeper.training.data.images import Images, Split
from sweeper.training.data.splits import hold_out


@dataclass(frozen=True)
class IdxFiles:
    """The four files of such a data set."""

    train_images: DataFile
    train_labels: DataFile
    test_images: DataFile
    test_labels: DataFile

    def load(self, data_dir: Path | None, validation: int) -> Images:
        """Read the files and hold `validation` images out of train.

        Raises:
            UsageError: a file cannot be had or is damaged, or `validation` leaves nothing to train on.

        """
        folder = data_folder(data_dir)
        images, labels = (parse(file.read(folder)) for file in (self.train_images, self.train_labels))
        test_images, test_labels = (parse(file.read(folder)) for file in (self.test_images, self.test_labels))
        kept, held = hold_out(labels, validation)
        return Images(
            train=Split.of_grey(images[kept], labels[kept]),
            validation=Split.of_grey(images[held], labels[held]),
            test=Split.of_grey(test_images, test_labels),
            classes=10,
        )


def parse(content: bytes) -> NDArray[np.uint8]:
    """Return the array of bytes in an idx file.

    The file starts with two zero bytes, the type of its numbers (8: unsigned bytes, the only one in use here) and the
    number of dimensions; then each dimension as a big-endian 32-bit number; then the values, last dimension fastest.
    Source: the description of the format that LeCun, Cortes and Burges published with MNIST.
    """
    dimensions = content[3]
    shape = struct.unpack_from(f">{dimensions}I", content, offset=4)
    return np.frombuffer(bytearray(content), np.uint8, offset=4 + 4 * dimensions).reshape(shape)
