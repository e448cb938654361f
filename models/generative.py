"""The contract of every generative model: what the training loop, the yardsticks and the pictures need of one.

Shapes: batches of B images [B, C, H, W]; latent vectors of L values; context vectors as the condition gives them.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from models.conditions.base import Conditioning
from models.spaces import ImageSpace

MODEL = "model"
"""The player of a model that is trained as one."""


class GenerativeModel(nn.Module, ABC):
    """A distribution over images that can be drawn from.

    Generators are on the model's device. In training mode, networks draw their dropout from them.
    """

    conditioning: Conditioning
    """What the model is told about an image."""
    latent_dim: int
    """L, the values of a latent vector."""
    fusible = True
    """Whether several models of one shape can run as one program, `torch.func.vmap` over their stacked parameters."""

    @property
    @abstractmethod
    def space(self) -> ImageSpace:
        """The images that the model is about."""

    @property
    def density(self) -> "GenerativeModel | None":
        """The latent-variable model by which log p(x) can be bounded; None where there is none, but only draws."""
        return None

    @property
    def given(self) -> str:
        """What its likelihoods are conditional on, "" for nothing."""
        return self.conditioning.given

    @property
    def classifies(self) -> bool:
        """Whether the model learns to classify."""
        return type(self).classify is not GenerativeModel.classify

    def classify(self, x: Tensor) -> Tensor | None:  # noqa: ARG002 (most cannot)
        """Return the logits [B, classes] of q(y|x) of images [B, C, H, W], if the model has learned to classify."""
        return None

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of each player, by name: those who play against each other have different losses."""
        return {MODEL: list(self.parameters())}

    def prior(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Draw n latent vectors [n, L] from p(z), or p(z|c) for context vectors [n, size]."""
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

    @abstractmethod
    def mean(self, z: Tensor, context: Tensor | None = None) -> Tensor:
        """Return the pictures usually shown, E[x|z] [..., C, H, W], for latent vectors [..., L], without gradient."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator, context: Tensor | None = None) -> Tensor:
        """Draw n images [n, C, H, W], for context vectors [n, size] where the model has a condition."""
