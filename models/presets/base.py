"""The contract of a model's preset: the composition behind a name such as ``vae``."""

from abc import ABC, abstractmethod

import torch

from models.initialization import materialize
from models.latent import LatentVariableModel
from models.registry import Component
from models.shapes import ImageShape


class Model(Component, ABC):
    """The description of a model, from which any number of them can be built."""

    @abstractmethod
    def compose(self, shape: ImageShape) -> LatentVariableModel:
        """Return the model for images of this shape, its parameters not yet drawn.

        Raises ValueError if the settings do not fit the shape. Under ``torch.device("meta")`` this costs no memory.
        """

    def build(
        self, shape: ImageShape, generator: torch.Generator, device: torch.device | str = "cpu"
    ) -> LatentVariableModel:
        """Return the model on the device, in training mode, its parameters drawn from the CPU generator.

        To be overridden by a model with layers that `models.initialization.initialize` does not know.
        """
        return materialize(lambda: self.compose(shape), generator, device)
