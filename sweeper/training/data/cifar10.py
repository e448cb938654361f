"""`cifar10`: 60,000 photographs of 32 by 32 pixels in colour, of ten kinds of animals and vehicles.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", University of Toronto, 2009.

torchvision reads the version for Python, whose files are pickles; this is the binary one with the same images, as
nothing is ever unpickled here. Its md5 is that on the page of the data set.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from sweeper.training.data.archive import members
from sweeper.training.data.colour import grey_if
from sweeper.training.data.files import DataFile, data_folder
from sweeper.training.data.images import Images, Split
from sweeper.training.data.splits import hold_out

MIRROR = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
ARCHIVE = DataFile("cifar-10-binary.tar.gz", None, "c32a1d4ab5d03f1284b67883e8d87530", lambda: (MIRROR,))

TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
TEST = "cifar-10-batches-bin/test_batch.bin"


@dataclass(frozen=True)
class Cifar10:
    """Photographs; the test split is the published one of 10,000.

    Attributes:
        validation: how many of the 50,000 training images are held out of train.
        labels: how many training images keep their label; null for all.
        grey: whether images have one channel instead of three.

    """

    validation: Annotated[int, Ge(1), Le(49_999)] = 5000
    labels: Annotated[int, Ge(1), Le(49_999)] | None = None
    grey: bool = False

    def load(self, data_dir: Path | None = None) -> Images:
        """Read and split the images; see `Dataset.load`."""
        archive = ARCHIVE.locate(data_folder(data_dir))
        records = {name: parse(file.read()) for name, file in members(archive, {*TRAIN, TEST})}
        known = np.concatenate([records[name] for name in TRAIN])
        kept, held = hold_out(known[:, 0], self.validation)
        train, validation, test = (self._split(part) for part in (known[kept], known[held], records[TEST]))
        return Images(train, validation, test, classes=10).told(self.labels)

    def _split(self, records: NDArray[np.uint8]) -> Split:
        images = np.ascontiguousarray(records[:, 1:]).reshape(-1, 3, 32, 32)
        return Split.of(grey_if(self.grey, images), records[:, 0].copy())


def parse(content: bytes) -> NDArray[np.uint8]:
    """Return the records [N, 3073] in a file: the label, then 1,024 bytes of red, of green and of blue, row by row."""
    return np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
