"""`binarized_mnist`: MNIST with every pixel drawn once as black or white, the ground of most published likelihoods.

Sources: R. Salakhutdinov, I. Murray, "On the quantitative analysis of deep belief networks", ICML 2008, whose
binarization it is; H. Larochelle, I. Murray, "The Neural Autoregressive Distribution Estimator", AISTATS 2011, whose
files and whose split they are.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sweeper.training.data.files import DataFile, data_folder
from sweeper.training.data.images import Images, Split

MIRROR = "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/"


def _file(name: str, gzipped_md5: str, unpacked_md5: str) -> DataFile:
    return DataFile(f"BinarizedMNIST/{name}", gzipped_md5, unpacked_md5, lambda: (f"{MIRROR}{name}",))


TRAIN = _file("binarized_mnist_train.amat", "55c6be0db63f47a228822edc21049d6f", "db28b1a6ae0fe70cbd3da91acf46e477")
VALIDATION = _file("binarized_mnist_valid.amat", "bf325c5893052cb8b540dfeb3c0c6fbe", "bf37822a04e94123630de6a7dfd9c9ef")
TEST = _file("binarized_mnist_test.amat", "f7f18e7c5d551792f6aab10d62a7ea74", "14e41ae11040adba6ab8cb291eda0dd8")


@dataclass(frozen=True)
class BinarizedMnist:
    """Statically binarized MNIST in its published split; pixels are 0 or 255, and there are no labels."""

    def load(self, data_dir: Path | None = None) -> Images:
        """Read the images; see `Dataset.load`."""
        folder = data_folder(data_dir)
        train, validation, test = (Split.of_grey(parse(file.read(folder))) for file in (TRAIN, VALIDATION, TEST))
        return Images(train, validation, test, classes=0)


def parse(content: bytes) -> NDArray[np.uint8]:
    """Return the images [N, 28, 28] in an .amat file: one line each, 784 digits "0" or "1" with spaces between."""
    characters = np.frombuffer(content, np.uint8).reshape(-1, 2 * 28 * 28)
    white = characters[:, ::2] == ord("1")
    return np.where(white, np.uint8(255), np.uint8(0)).reshape(-1, 28, 28)
