"""Models whose encoder looks at an image once, however many draws follow from what it saw.

Shapes: k draws for each of B images [B, C, H, W].
"""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import nn

from models.batch import Batch
from models.decoded import DecodedModel
from models.gaussian import Gaussian
from models.latent import Terms


class EncodedModel(DecodedModel):
    """A model with an encoder to a Gaussian, from which all draws begin."""

    encoder: nn.Module
    """Gives mean and log-variance side by side; called with images, generator and context."""

    def encode(self, batch: Batch, generator: torch.Generator | None = None) -> Gaussian:
        """Return q(z|x), or that of the latent vectors that are drawn first, with mean and log-variance [B, values]."""
        return Gaussian.of(self.encoder(batch.x, generator, self.conditioning.context(batch)))

    @abstractmethod
    def weigh(
        self, batch: Batch, posterior: Gaussian, k: int, generator: torch.Generator, hold_posterior: bool = False
    ) -> Terms:
        """Return `terms` of images that have been encoded already."""

    def terms(self, batch: Batch, k: int, generator: torch.Generator, hold_posterior: bool = False) -> Terms:
        """Return the parts of the importance weights at k draws from q(z|x) for each image."""
        return self.weigh(batch, self.encode(batch, generator), k, generator, hold_posterior)

    def weigher(self, batch: Batch) -> Callable[[int, torch.Generator], Terms]:
        """Return `terms` as a function of k and generator; the images are encoded once."""
        posterior = self.encode(batch)
        return lambda k, generator: self.weigh(batch, posterior, k, generator)
