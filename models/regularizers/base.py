"""The contract of a critic's regularizer: a penalty in its loss, or a bound restored after each of its steps."""

from abc import ABC

import torch
from torch import Tensor

from models.critic import Critic
from models.registry import Component


class Regularizer(Component, ABC):
    """How a critic is kept from changing too fast from one image to the next; by default, nothing is done."""

    def penalty(
        self,
        critic: Critic,  # noqa: ARG002 (here and below: for those that need it)
        real: Tensor,  # noqa: ARG002
        fake: Tensor,  # noqa: ARG002
        generator: torch.Generator,  # noqa: ARG002
        context: Tensor | None = None,  # noqa: ARG002
    ) -> Tensor | None:
        """Return what is added to the critic's loss, 0-dimensional, or None.

        It is of real and drawn images, [B, C, H, W] each, that were drawn for the same context vectors [B, size].
        """
        return None

    def constrain(self, critic: Critic) -> None:
        """Restore what must hold of the critic's parameters after each of its steps."""

    def check(self, critic: Critic) -> None:
        """Raise ValueError, with the reason, if the critic cannot be so regularized."""

    def warnings(self, critic: Critic) -> list[str]:  # noqa: ARG002
        """Return what is allowed, but known not to work, with the reason."""
        return []
