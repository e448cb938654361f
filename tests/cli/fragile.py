"""An objective of a user's own, outside of our packages: it fails where its sweep file says so."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from models import Batch, LatentVariableModel, Loss
from models.objectives import ELBO, LossFunction


@dataclass(frozen=True, kw_only=True)
class Fragile(ELBO):
    """The evidence lower bound, until it breaks."""

    breaks: bool = False
    """Whether it raises after the first epoch."""

    def losses(self) -> Mapping[str, LossFunction]:
        """Return the bound's losses, each of which may break."""
        return {player: self._fragile(loss) for player, loss in super().losses().items()}

    def _fragile(self, loss: LossFunction) -> LossFunction:
        def compute(model: LatentVariableModel, batch: Batch, generator: torch.Generator, epoch: float) -> Loss:
            if self.breaks and epoch >= 1:
                raise RuntimeError("broken as its sweep file says\nwith a second line")
            return loss(model, batch, generator, epoch)

        return compute
