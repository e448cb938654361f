"""The gradient penalty: the critic's slope is drawn towards 1 between real and drawn images (Gulrajani et al. 2017).

λ E[(‖∇D(x̂)‖ - 1)²] with x̂ = ε x + (1 - ε) G(z), one ε ~ U(0, 1) for each pair of images (eq. 3 and algorithm 1). The
gradient is that in grey values from 0 to 1, and its norm is over all pixels of an image. A conditional critic is given
the same context at x, G(z) and x̂.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt
from torch import Tensor

from models.critic import Critic
from models.registry import register
from models.regularizers.base import Regularizer


@register("gradient_penalty")
@dataclass(frozen=True, kw_only=True)
class GradientPenalty(Regularizer):
    """A term in the critic's loss."""

    weight: Annotated[float, Gt(0)] = 10.0
    """λ."""

    def penalty(
        self, critic: Critic, real: Tensor, fake: Tensor, generator: torch.Generator, context: Tensor | None = None
    ) -> Tensor:
        """Return λ times the mean squared distance of the gradient's norm from 1."""
        share = torch.rand(len(real), 1, 1, 1, generator=generator, dtype=real.dtype, device=real.device)
        between = torch.lerp(fake.detach(), real, share)
        # Not torch.autograd.grad, which cannot be vectorized over several models.
        gradient = torch.func.grad(lambda images: critic(images, generator, context).sum())(between)
        excess: Tensor = torch.linalg.vector_norm(gradient, dim=(1, 2, 3)) - 1
        return self.weight * excess.square().mean()

    def check(self, critic: Critic) -> None:
        """Refuse batch norm (section 4, "no critic batch normalization")."""
        if critic.normalizes_over_the_batch():
            raise ValueError(
                "has the regularizer gradient_penalty, but the critic has batch norm: the penalty is on the gradient "
                "of each image's own score, and batch norm makes the scores of a batch depend on one another"
            )
