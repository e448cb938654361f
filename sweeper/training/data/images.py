"""What every data set loads to: images and labels in three splits."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweeper.errors import UsageError
from sweeper.training.data.splits import told


@dataclass(frozen=True, eq=False)
class Split:
    """The images of one purpose: train, validation or test.

    Trials of one process share these tensors, so they must not be changed in place.

    Attributes:
        images: uint8, [N, C, H, W], from 0 (black) to 255 (white).
        labels: int64, [N], from 0 to the number of classes - 1, or `models.UNKNOWN`; None where the data set has none.

    """

    images: Tensor
    labels: Tensor | None

    @classmethod
    def of(cls, images: NDArray[np.uint8], labels: NDArray[np.integer] | None = None) -> Self:
        """Return a split of images [N, C, H, W] and labels [N], whose memory it shares: they must be writable."""
        return cls(torch.from_numpy(images), None if labels is None else torch.from_numpy(labels).long())

    @classmethod
    def of_grey(cls, images: NDArray[np.uint8], labels: NDArray[np.uint8] | None = None) -> Self:
        """Return a split of grey images [N, H, W]; see `of`."""
        return cls.of(images[:, None], labels)

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> Self:
        """Return the same split in the memory of `device`."""
        return type(self)(self.images.to(device), None if self.labels is None else self.labels.to(device))


@dataclass(frozen=True, eq=False)
class Images:
    """A whole data set: what is trained on, what is selected on, and what is measured once at the end.

    Attributes:
        train: the images that gradients come from.
        validation: the images that trials are ranked by.
        test: the images that only the finals touch.
        classes: the number of classes; 0 where there are no labels.
        truth: int64, [N], all labels of the training images, for yardsticks alone; None where `train` has them all.

    """

    train: Split
    validation: Split
    test: Split
    classes: int
    truth: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of one image: channels, height, width."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width

    @property
    def yardstick(self) -> Split:
        """The training images with all labels that the data set has, also those that training is not told."""
        return self.train if self.truth is None else replace(self.train, labels=self.truth)

    def told(self, labels: int | None) -> Self:
        """Return the same data set, of which training is told so many labels; `splits.told` says which.

        Args:
            labels: how many; None for all of them.

        Raises:
            UsageError: there are not so many.

        """
        known = self.train.labels
        if labels is None:
            return self
        if known is None or labels > len(known):
            raise UsageError(f"labels is {labels}; the training images have {0 if known is None else len(known)}")
        few = torch.from_numpy(told(known.numpy(), labels))
        return replace(self, train=replace(self.train, labels=few), truth=known)

    def to(self, device: torch.device) -> Self:
        """Return the same data set in the memory of `device`."""
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=self.test.to(device),
            truth=None if self.truth is None else self.truth.to(device),
        )


class Dataset(Hashable, Protocol):
    """A data set before it is loaded: a frozen dataclass whose fields are its keys in the YAML."""

    def load(self, data_dir: Path | None = None) -> Images:
        """Read and split the data set, in the memory of the CPU.

        Args:
            data_dir: the folder to read files from; `data_folder` says where they are looked for without it.

        Raises:
            UsageError: a file is missing and cannot be downloaded, or is damaged, or a field asks for the impossible.

        """
