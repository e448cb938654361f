"""Data sets: what `data:` in a sweep file may name, how it is split, and how training walks through it.

=================  ============  =========================  ===========================  =======
name               one image     train, validation, test    where from                   classes
=================  ============  =========================  ===========================  =======
`digits`           [1, 8, 8]       1,297,    250,    250    inside scikit-learn          10
`mnist`            [1, 28, 28]    55,000,  5,000, 10,000    `MNIST/raw/`                 10
`fashion_mnist`    [1, 28, 28]    55,000,  5,000, 10,000    `FashionMNIST/raw/`          10
`binarized_mnist`  [1, 28, 28]    50,000, 10,000, 10,000    `BinarizedMNIST/`            none
`svhn`             [3, 32, 32]    68,257,  5,000, 26,032    `SVHN/`                      10
`cifar10`          [3, 32, 32]    45,000,  5,000, 10,000    `cifar-10-binary.tar.gz`     10
`stl10`            [3, 64, 64]   104,000,  1,000,  8,000    `stl10_binary.tar.gz`        10
`synthetic`        of any shape    1,000,    250,    250    computed                     10
=================  ============  =========================  ===========================  =======

**A data set** is a frozen dataclass whose fields are its keys in the YAML (`data: {name: mnist, validation: 10000}`)
and whose `load` returns `Images`: three `Split`s of uint8 images [N, C, H, W] with their labels. Images stay uint8 on
the device; scaling and binarization belong to the likelihood.

**The split is part of the data set**, not of the sweep: it comes from a fixed seed, so every trial and every sweep
selects on the same validation images and reports on the same test images. Where a test set was published it is the test
split. Validation images are taken from train, every class in its proportion.

**Labels** can be taken from training (`labels: 100`): equally many images of each class keep theirs, the others have
`models.UNKNOWN`; the 100 are among the 600, and these among the 1,000. Validation and test keep all, and so does the
yardstick, `Images.yardstick`. Of `stl10` only 4,000 training images have a label at all.

**Colour** can be taken from colour images (`grey: true`).

**Files** are looked for in one folder: `--data-dir`, else the environment's SWEEPER_DATA, else `~/.cache/sweeper/data`;
gzipped as distributed, or unpacked as torchvision leaves them; archives are read without being unpacked. Each
is compared with its published md5 whenever it is read. A file that is absent is downloaded into that folder; one that
is there is never written to.

**A worker** calls `resident`, which loads a data set once per process and keeps it on the device for later trials.
`Batches` then yields the images' indices: shuffled, in whole batches, resumable to the bit.

**To add a data set**, write a frozen dataclass with a `load` method in a module of its own, and name it in
`registry.py`.
"""

from sweeper.training.data.batches import Batches
from sweeper.training.data.files import data_folder
from sweeper.training.data.images import Dataset, Images, Split
from sweeper.training.data.registry import UnknownDatasetError, find, name_of, names
from sweeper.training.data.resident import resident

__all__ = [
    "Batches",
    "Dataset",
    "Images",
    "Split",
    "UnknownDatasetError",
    "data_folder",
    "find",
    "name_of",
    "names",
    "resident",
]
