"""The contract of a model's preset: the composition behind a name such as ``vae``."""

from abc import ABC, abstractmethod

import torch

from models.generative import GenerativeModel
from models.initialization import Scheme, materialize
from models.objectives import ELBO, Objective
from models.registry import Component
from models.schedules import Joint, Schedule
from models.shapes import ImageShape


class Model(Component, ABC):
    """The description of a model, from which any number of them can be built."""

    @abstractmethod
    def compose(self, shape: ImageShape, classes: int = 0) -> GenerativeModel:
        """Return the model for images of this shape, in so many classes (0: no labels), its parameters not yet drawn.

        Raises ValueError if the settings do not fit the images. Under ``torch.device("meta")`` this costs no memory.
        """

    def build(
        self,
        shape: ImageShape,
        generator: torch.Generator,
        device: torch.device | str = "cpu",
        classes: int = 0,
    ) -> GenerativeModel:
        """Return the model on the device, in training mode, its parameters drawn from the CPU generator.

        To be overridden by a model with layers that `models.initialization.initialize` does not know.
        """
        return materialize(lambda: self.compose(shape, classes), generator, device, self.scheme())

    def scheme(self) -> Scheme:
        """Return how parameters are drawn."""
        return "uniform"

    def objective(self) -> Objective:
        """Return the objective that the model is trained by where a sweep file names none."""
        return ELBO()

    def schedule(self) -> Schedule:
        """Return the schedule that the model is trained by where a sweep file names none."""
        return Joint()
