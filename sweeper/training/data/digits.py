"""`digits`: 1,797 real handwritten digits of 8 by 8 pixels that come with scikit-learn, so that nothing is downloaded.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998; the
test set of that collection.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from sweeper.training.data.images import Images, Split
from sweeper.training.data.splits import hold_out

TEST_IMAGES = 250
BUNDLED = "datasets/data/digits.csv.gz"


@dataclass(frozen=True)
class Digits:
    """The embedded digits.

    Their grey values 0 … 16 become the bytes round(value · 255 / 16). 250 images are held out for the test, whatever
    `validation` says.

    Attributes:
        validation: how many of the other 1,547 images are held out of train.
        labels: how many training images keep their label; null for all.

    """

    validation: Annotated[int, Ge(1), Le(1546)] = 250
    labels: Annotated[int, Ge(1), Le(1546)] | None = None

    def load(self, data_dir: Path | None = None) -> Images:  # noqa: ARG002 - no file of ours is read
        """Read the digits out of scikit-learn and split them; needs no file in `data_dir`."""
        images, labels = _read()
        rest, test = hold_out(labels, TEST_IMAGES)
        kept, held = hold_out(labels[rest], self.validation)
        train, validation, tested = (
            Split.of_grey(images[indices], labels[indices]) for indices in (rest[kept], rest[held], test)
        )
        return Images(train, validation, tested, classes=10).told(self.labels)


def _read() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the images [1797, 8, 8] as bytes and their labels [1797]."""
    table = _table()
    images = np.rint(table[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    return images, table[:, -1].astype(np.uint8)


def _table() -> NDArray[np.float64]:
    """Return one row per image, [1797, 65]: 64 grey values from 0 to 16, then the label.

    Importing scikit-learn takes seconds, reading its file milliseconds. The place of the file is no promise of theirs,
    so `load_digits` is asked where it is not found.
    """
    spec = find_spec("sklearn")
    folders = spec.submodule_search_locations if spec else None
    for path in (Path(folder, BUNDLED) for folder in folders or ()):
        if path.is_file():
            return np.loadtxt(path, delimiter=",")
    from sklearn.datasets import load_digits

    digits = load_digits()
    return np.column_stack([digits.data, digits.target])
