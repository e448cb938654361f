"""A critic: one number for each image, that says how real it looks.

It is the discriminator of a GAN, whose number is a logit (Goodfellow et al. 2014), and the critic of a Wasserstein GAN
(Arjovsky et al. 2017). Its hidden layers are features in which images can be compared (Larsen et al. 2016).
"""

import torch
from torch import Tensor, nn

from models.backbones.network import Network, apply

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Tanh)
"""The layers that end a hidden layer."""


class Critic(nn.Module):
    """A network from images to one number each, looked into layer by layer."""

    def __init__(self, network: Network) -> None:
        """Take a backbone's encoder with one output."""
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, generator: torch.Generator | None = None, context: Tensor | None = None) -> Tensor:
        """Return the score [B] of each image [B, C, H, W] with values in [0, 1], given context vectors [B, size]."""
        score: Tensor = self.network(_centred(x), generator, context)
        return score.squeeze(-1)

    def features(
        self, x: Tensor, layer: int, generator: torch.Generator | None = None, context: Tensor | None = None
    ) -> Tensor:
        """Return the activations [B, F] of a hidden layer: 1 is the first, -1 the last.

        Raises ValueError if there is no such layer.
        """
        x = _centred(x)
        for hidden in self.network[: self._end(layer)]:
            x = apply(hidden, x, generator, context)
        return x.flatten(1)

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self._ends())

    def normalizes_over_the_batch(self) -> bool:
        """Whether the score of an image depends on the others in its batch."""
        return any(isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in self.modules())

    def check_layer(self, layer: int) -> None:
        """Raise ValueError if there is no such hidden layer."""
        self._end(layer)

    def _end(self, layer: int) -> int:
        ends = self._ends()
        if not 1 <= abs(layer) <= len(ends):
            raise ValueError(f"layer is {layer}; the critic has {len(ends)} hidden layers")
        return ends[layer - 1 if layer > 0 else layer]

    def _ends(self) -> list[int]:
        """Return how many layers of the network there are up to the end of each hidden one."""
        return [index + 1 for index, layer in enumerate(self.network) if isinstance(layer, (Network, *ACTIVATIONS))]


def _centred(x: Tensor) -> Tensor:
    """Return images with values in [-1, 1], as critics are usually given them."""
    return 2 * x - 1
