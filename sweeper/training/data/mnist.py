"""`mnist` and `fashion_mnist`: 70,000 grey images of 28 by 28 pixels in ten classes each.

Sources: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998. H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for
Benchmarking Machine Learning Algorithms", arXiv:1708.07747, 2017.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from sweeper.training.data.files import DataFile
from sweeper.training.data.idx import IdxFiles
from sweeper.training.data.images import Images


def _mirrors(dataset: str, name: str) -> list[str]:
    """Return the addresses that torchvision knows; importing it takes seconds, so only where they are needed."""
    from torchvision import datasets

    return [f"{mirror}{name}.gz" for mirror in getattr(datasets, dataset).mirrors]


def _file(dataset: str, name: str, gzipped_md5: str, unpacked_md5: str) -> DataFile:
    return DataFile(f"{dataset}/raw/{name}", gzipped_md5, unpacked_md5, partial(_mirrors, dataset, name))


_mnist = partial(_file, "MNIST")
_fashion = partial(_file, "FashionMNIST")

MNIST_FILES = IdxFiles(
    _mnist("train-images-idx3-ubyte", "f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
    _mnist("train-labels-idx1-ubyte", "d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
    _mnist("t10k-images-idx3-ubyte", "9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
    _mnist("t10k-labels-idx1-ubyte", "ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
)
FASHION_MNIST_FILES = IdxFiles(
    _fashion("train-images-idx3-ubyte", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
    _fashion("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe", "9018921c3c673c538a1fc5bad174d6f9"),
    _fashion("t10k-images-idx3-ubyte", "bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
    _fashion("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
)


@dataclass(frozen=True)
class _LikeMnist:
    """60,000 training images in ten classes, and a published test split of 10,000.

    Attributes:
        validation: how many of the training images are held out of train.
        labels: how many training images keep their label; null for all.

    """

    files: ClassVar[IdxFiles]

    validation: Annotated[int, Ge(1), Le(59_999)] = 5000
    labels: Annotated[int, Ge(1), Le(59_999)] | None = None

    def load(self, data_dir: Path | None = None) -> Images:
        """Read and split the images; see `Dataset.load`."""
        return self.files.load(data_dir, self.validation).told(self.labels)


@dataclass(frozen=True)
class Mnist(_LikeMnist):
    """Handwritten digits."""

    files: ClassVar[IdxFiles] = MNIST_FILES


@dataclass(frozen=True)
class FashionMnist(_LikeMnist):
    """Articles of clothing, a drop-in replacement for MNIST."""

    files: ClassVar[IdxFiles] = FASHION_MNIST_FILES
