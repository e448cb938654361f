"""The one training loop: any model, any number of players, driven by a schedule."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models import LatentVariableModel
from sweeper.training.components import TrialConfig
from sweeper.training.data import Batches
from sweeper.training.optimizer_state import pack_optimizer, unpack_optimizer


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
        """Train ``model`` on uint8 ``images`` [N, C, H, W], shuffled by ``order``; ``noise`` is for all the rest.

        Images and generators are on the model's device.
        """
        self._losses = config.objective.losses()
        self._schedule = config.training.schedule
        self._model = model
        self._images = images
        self._noise = noise
        self._batches = Batches(len(images), config.training.batch_size, order)
        self._optimizers = {
            player: config.training.optimizer.build(parameters)
            for player, parameters in self._schedule.players(model).items()
        }

    def train_epoch(self) -> dict[str, float]:
        """Train until the batches of the next epoch are used; return the mean of every loss term over its steps.

        The terms stay on the device until the epoch has ended: asking for them earlier would wait for every step.
        """
        self._model.train()
        history: dict[str, list[Tensor]] = {}
        for index in self._batches.epoch():
            step = self._batches.steps - 1
            batch = self._model.likelihood.preprocess(self._images.index_select(0, index), self._noise)
            for player in self._schedule.turn(step):
                for name, value in self._step(player, batch, step).items():
                    history.setdefault(name, []).append(value)
        return {name: torch.stack(values).mean().item() for name, values in history.items()}

    def state(self) -> dict[str, Tensor]:
        """Return all that the coming steps depend on beside the weights."""
        state = {"noise": self._noise.get_state(), **_within("batches", self._batches.state())}
        for player, optimizer in self._optimizers.items():
            state |= _within(f"optimizer.{player}", pack_optimizer(optimizer))
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where `state` was taken; the weights are the model's own.

        Raises SweeperError where the state is that of another training.
        """
        self._noise.set_state(state["noise"])
        self._batches.restore(_below("batches", state))
        for player, optimizer in self._optimizers.items():
            unpack_optimizer(optimizer, _below(f"optimizer.{player}", state))

    def _step(self, player: str, batch: Tensor, step: int) -> Mapping[str, Tensor]:
        """Take one step of one player on images [B, C, H, W]; return the terms of its loss."""
        optimizer = self._optimizers[player]
        epoch = step * len(batch) / len(self._images)
        loss = self._losses[player](self._model, batch, self._noise, epoch)
        optimizer.zero_grad()
        loss.total.backward()  # type: ignore[no-untyped-call]  # torch has not typed it
        optimizer.step()
        return loss.terms


def _within(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
