"""The one training loop: any model, any number of players, driven by a schedule."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models import LatentVariableModel
from sweeper.training.components import TrialConfig
from sweeper.training.data import Batches


class Trainer:
    """Trains the players of a model in the turns that the schedule gives them."""

    def __init__(
        self,
        config: TrialConfig,
        model: LatentVariableModel,
        images: Tensor,
        order: torch.Generator,
        noise: torch.Generator,
    ) -> None:
        """Train ``model`` on uint8 ``images`` [N, C, H, W], shuffled by ``order``; ``noise`` is for all the rest."""
        self._losses = config.objective.losses()
        self._schedule = config.training.schedule
        self._model = model
        self._images = images
        self._noise = noise
        self.batches = Batches(len(images), config.training.batch_size, order)
        self.optimizers = {
            player: config.training.optimizer.build(parameters)
            for player, parameters in self._schedule.players(model).items()
        }

    def train_epoch(self) -> dict[str, float]:
        """Train until the batches of the next epoch are used; return the mean of every loss term over its steps.

        The terms stay on the device until the epoch has ended: asking for them earlier would wait for every step.
        """
        self._model.train()
        history: dict[str, list[Tensor]] = {}
        for index in self.batches.epoch():
            step = self.batches.steps - 1
            batch = self._model.likelihood.preprocess(self._images.index_select(0, index), self._noise)
            for player in self._schedule.turn(step):
                for name, value in self._step(player, batch, step).items():
                    history.setdefault(name, []).append(value)
        return {name: torch.stack(values).mean().item() for name, values in history.items()}

    def _step(self, player: str, batch: Tensor, step: int) -> Mapping[str, Tensor]:
        """Take one step of one player on images [B, C, H, W]; return the terms of its loss."""
        optimizer = self.optimizers[player]
        epoch = step * len(batch) / len(self._images)
        loss = self._losses[player](self._model, batch, self._noise, epoch)
        optimizer.zero_grad()
        loss.total.backward()  # type: ignore[no-untyped-call]  # torch has not typed it
        optimizer.step()
        return loss.terms
