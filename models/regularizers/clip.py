"""Weight clipping: every parameter of the critic stays within ±bound (Arjovsky et al. 2017, algorithm 1).

The critic is then Lipschitz with some constant, the same for all that it may become.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from annotated_types import Gt

from models.critic import Critic
from models.registry import register
from models.regularizers.base import Regularizer


@register("clip")
@dataclass(frozen=True, kw_only=True)
class Clip(Regularizer):
    """Parameters are clipped after each step of the critic."""

    bound: Annotated[float, Gt(0)] = 0.01
    """The largest absolute value of a parameter."""

    @torch.no_grad()
    def constrain(self, critic: Critic) -> None:
        """Clip the parameters, in place."""
        for parameter in critic.parameters():
            parameter.clamp_(-self.bound, self.bound)

    def warnings(self, critic: Critic) -> list[str]:
        """Warn of batch norm, which undoes the clipping of the weights before it, and is clipped itself."""
        if not critic.normalizes_over_the_batch():
            return []
        reason = (
            "has the regularizer clip, and the critic has batch norm: it normalizes real and drawn images apart, by "
            "statistics that never settle, and such critics were seen not to learn"
        )
        return [reason]
