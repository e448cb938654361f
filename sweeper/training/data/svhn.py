"""`svhn`: Street View House Numbers, photographed digits of 32 by 32 pixels in colour, cropped with their neighbours.

Source: Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng, "Reading Digits in Natural Images with Unsupervised
Feature Learning", NIPS workshop on deep learning, 2011; format 2.
"""

from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from sweeper.training.data.colour import grey_if
from sweeper.training.data.files import DataFile, data_folder
from sweeper.training.data.images import Images, Split
from sweeper.training.data.splits import hold_out

Labelled = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def _mirrors(split: str) -> list[str]:
    """Return the address that torchvision knows; importing it takes seconds, so only where it is needed."""
    from torchvision.datasets import SVHN

    return [SVHN.split_list[split][0]]


def _file(split: str, md5: str) -> DataFile:
    return DataFile(f"SVHN/{split}_32x32.mat", None, md5, partial(_mirrors, split))


TRAIN = _file("train", "e26dedcc434d2e4c54c9b2d4a06d8373")
EXTRA = _file("extra", "a93ce644f1a588dc4d68dda5feec44a7")
TEST = _file("test", "eb5a983be6a315427106f1b164d9cef3")


@dataclass(frozen=True)
class Svhn:
    """House numbers; the test split is the published one of 26,032.

    Attributes:
        validation: how many of the 73,257 training images are held out of train.
        labels: how many training images keep their label; null for all.
        extra: whether the 531,131 easier images are trained on as well.
        grey: whether images have one channel instead of three.

    """

    validation: Annotated[int, Ge(1), Le(73_256)] = 5000
    labels: Annotated[int, Ge(1), Le(604_387)] | None = None
    extra: bool = False
    grey: bool = False

    def load(self, data_dir: Path | None = None) -> Images:
        """Read and split the images; see `Dataset.load`. The validation images are the same with `extra`."""
        folder = data_folder(data_dir)
        images, labels = parse(TRAIN.read(folder))
        kept, held = hold_out(labels, self.validation)
        known = (images[kept], labels[kept])
        if self.extra:
            known = _joined(known, parse(EXTRA.read(folder)))
        parts = (known, (images[held], labels[held]), parse(TEST.read(folder)))
        train, validation, test = (self._split(*part) for part in parts)
        return Images(train, validation, test, classes=10).told(self.labels)

    def _split(self, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Split:
        return Split.of(grey_if(self.grey, images), labels)


def parse(content: bytes) -> Labelled:
    """Return the images [N, 3, 32, 32] and labels [N] in a MATLAB file, which holds X [32, 32, 3, N] and y [N, 1].

    The digit 0 has the label 10 there, and 0 here.
    """
    from scipy.io import loadmat  # Takes long to import, and is rarely needed.

    variables = loadmat(BytesIO(content), variable_names=["X", "y"])
    images = np.ascontiguousarray(variables["X"].transpose(3, 2, 0, 1), np.uint8)
    return images, (variables["y"].ravel() % 10).astype(np.uint8)


def _joined(first: Labelled, second: Labelled) -> Labelled:
    return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
