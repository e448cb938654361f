"""The space of images that a model is about: how grey values become what it takes."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class ImageSpace(ABC):
    """The way from uint8 images to the floats of a model."""

    binarization: str = "none"
    """How grey pixels become black or white, "none" where they stay grey: two spaces whose images differ in that must
    not be compared."""

    @property
    @abstractmethod
    def redraws(self) -> bool:
        """Whether `preprocess` draws training images anew for each batch; if not, they must be given to `fix` too."""

    @abstractmethod
    def fix(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return uint8 images [N, C, H, W] in which whatever preprocessing draws has been drawn once and for all."""

    @abstractmethod
    def preprocess(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return the float images [B, C, H, W] that a model takes, of uint8 images of the same shape."""

    def prepare(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Return what `preprocess` does of uint8 images [N, C, H, W] after `fix`: images to measure a model on."""
        return self.preprocess(self.fix(images, generator), generator)


class UnitInterval(ImageSpace):
    """Grey values as numbers from 0 to 1, of which nothing is drawn: the space of a model without a likelihood."""

    @property
    def redraws(self) -> bool:
        """Nothing is drawn."""
        return False

    def fix(self, images: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002 (the contract names it)
        """Return the images as they are."""
        return images

    def preprocess(self, images: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002 (as above)
        """Return x/255."""
        return images.float().div_(255)
