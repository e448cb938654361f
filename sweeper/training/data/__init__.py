"""Data sets: what `data:` in a sweep file may name, how it is split, and how training walks through it.

=================  ===========  ========================  ===================  =======
name               one image    train, validation, test   where from           classes
=================  ===========  ========================  ===================  =======
`digits`           [1, 8, 8]      1,297,    250,    250   inside scikit-learn  10
`mnist`            [1, 28, 28]   55,000,  5,000, 10,000   `MNIST/raw/`         10
`fashion_mnist`    [1, 28, 28]   55,000,  5,000, 10,000   `FashionMNIST/raw/`  10
`binarized_mnist`  [1, 28, 28]   50,000, 10,000, 10,000   `BinarizedMNIST/`    none
=================  ===========  ========================  ===================  =======

**A data set** is a frozen dataclass whose fields are its keys in the YAML (`data: {name: mnist, validation: 10000}`)
and whose `load` returns `Images`: three `Split`s of uint8 images [N, C, H, W] with their labels. Images stay uint8 on
the device; scaling and binarization belong to the likelihood.

**The split is part of the data set**, not of the sweep: it comes from a fixed seed, so every trial and every sweep
selects on the same validation images and reports on the same test images. Where a test set was published it is the test
split. Validation images are taken from train, every class in its proportion.

**Files** are looked for in one folder: `--data-dir`, else the environment's SWEEPER_DATA, else `~/.cache/sweeper/data`;
gzipped as distributed, or unpacked as torchvision leaves them. Each is compared with its published md5 whenever it is
read. A file that is absent is downloaded into that folder; one that is there is never written to.

**A worker** calls `resident`, which loads a data set once per process and keeps it on the device for later trials.
`Batches` then yields the images' indices: shuffled, in whole batches, resumable to the bit.

**To add a data set**, write a frozen dataclass with a `load` method in a module of its own, and name it in
`registry.py`.
"""

from sweeper.training.data.batches import Batches
from sweeper.training.data.files import data_folder
from sweeper.training.data.images import Dataset, Images, Split
from sweeper.training.data.registry import UnknownDatasetError, find, names
from sweeper.training.data.resident import resident

__all__ = [
    "Batches",
    "Dataset",
    "Images",
    "Split",
    "UnknownDatasetError",
    "data_folder",
    "find",
    "names",
    "resident",
]
