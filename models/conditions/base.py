"""The contract of a condition: what a model is told about an image beside, or instead of, its pixels."""

from abc import ABC, abstractmethod

from torch import Tensor

from models.batch import Batch
from models.registry import Component
from models.shapes import ImageShape


class Conditioning(ABC):
    """A condition for images of one shape: the context vectors that networks are given with their input."""

    size: int
    """Values of a context vector; 0 where there is none."""
    given: str
    """What likelihoods are conditional on, "" for nothing: those with different conditions must not be compared."""

    @abstractmethod
    def context(self, batch: Batch) -> Tensor | None:
        """Return what the model is told about each image [B, size], None where it is told nothing.

        Raises ValueError where the batch lacks what the condition needs.
        """

    def unknown(self, images: Tensor) -> Tensor:
        """Return the pixels that are left to explain, [..., C, h, w], of images or raw output [..., C, H, W].

        They are all, unless a condition tells some.
        """
        return images

    def complete(self, images: Tensor, context: Tensor | None) -> Tensor:  # noqa: ARG002 (most tell no pixel)
        """Return images [..., B, C, H, W] with all pixels in them that the context [B, size] tells."""
        return images


class Condition(Component, ABC):
    """What a sweep file says of a condition."""

    @abstractmethod
    def bind(self, shape: ImageShape, classes: int) -> Conditioning:
        """Return the condition for images of this shape, in so many classes (0: without labels).

        Raises ValueError where such images cannot have it.
        """
