"""One player with all parameters, who steps on every batch: the schedule of a model without adversary."""

from dataclasses import dataclass

from torch import nn

from models.registry import register
from models.schedules.base import Schedule

MODEL = "model"  # the one player's name


@register("joint")
@dataclass(frozen=True, kw_only=True)
class Joint(Schedule):
    """All parameters are trained together."""

    def players(self, model: nn.Module) -> dict[str, list[nn.Parameter]]:
        """Return all parameters as one player's."""
        return {MODEL: list(model.parameters())}

    def turn(self, _step: int, /) -> tuple[str, ...]:
        """Return the one player."""
        return (MODEL,)
