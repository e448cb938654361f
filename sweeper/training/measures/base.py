"""The contract of a measure."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch

from models import Batch, GenerativeModel
from sweeper.training.data import Images
from sweeper.training.job import Precision


@dataclass(frozen=True)
class Subject:
    """What is measured: a model, in eval mode, on the images of one split."""

    model: GenerativeModel
    batch: Batch
    """The images as the model takes them, drawn once and for all, with their labels."""
    precision: Precision
    ranked_by: str
    """The name by which the sweep ranks, "nll" of ``val/nll``: the others need less care."""
    noise: Callable[[], torch.Generator]
    """Makes a generator that begins anew: the same in every trial of every sweep."""
    thorough: bool = False
    """Whether what costs much is measured as well, as in finals, though the sweep does not rank by it."""

    def wants(self, name: str) -> bool:
        """Say whether a number that costs much is measured."""
        return self.thorough or name == self.ranked_by


def pixels_of(model: GenerativeModel) -> str:
    """Return the part "binarization" of the key of what is measured in grey values or in black and white."""
    return "none" if model.space.binarization == "none" else "black and white"


class Measure(ABC):
    """One or several numbers that say how good a model is."""

    ranked: ClassVar[tuple[str, ...]]
    """Those of its names that a sweep may rank by."""
    estimator: ClassVar[str]
    """By which rule its numbers are computed, in words."""
    costly: ClassVar[bool] = False
    """Whether it is left out of the epochs of sweeps that do not rank by it; finals are measured in every way."""

    def __init__(self, images: Images) -> None:
        """Prepare for a data set; only its training split may be learned from."""
        self._images = images

    @staticmethod
    @abstractmethod
    def applies(model: GenerativeModel, classes: int) -> bool:
        """Say whether a model of images in so many classes (0: no labels) can be measured."""

    @staticmethod
    @abstractmethod
    def scale(model: GenerativeModel, precision: Precision) -> dict[str, str]:
        """Return the parts of the comparability key (see `Key`) that its values have beside data, images and estimator.

        They are the same for all its names, and strings; the model may have its parameters on no device.
        """

    @abstractmethod
    def __call__(self, subject: Subject) -> dict[str, float]:
        """Return all its numbers by name, such as "nll"; the caller adds the split."""
