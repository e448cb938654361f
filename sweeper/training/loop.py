"""The one training loop: any model, any number of players, driven by a schedule."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import islice

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from models import Batch, GenerativeModel, Moment
from sweeper.training.annealing import factor
from sweeper.training.components import TrialConfig
from sweeper.training.data import Split
from sweeper.training.optimizer_state import pack_optimizer, unpack_optimizer
from sweeper.training.order import TrainingOrder

NORM_EVERY = 8
"""Of so many steps of a player one has the norm of its gradient taken: to read all gradients again takes time."""


class Trainer:
    """Trains the players of a model in the turns that the schedule gives them."""

    def __init__(
        self,
        config: TrialConfig,
        model: GenerativeModel,
        images: Split,
        order: torch.Generator,
        noise: torch.Generator,
    ) -> None:
        """Train ``model`` on ``images``, shuffled by ``order``; ``noise`` is for all the rest.

        Images and generators are on the model's device.
        """
        self._objective = config.objective
        self._losses = config.objective.losses()
        self._schedule = config.schedule
        self._training = config.training
        self._model = model
        self._images = images
        self._noise = noise
        self._order = TrainingOrder(images, config.training.batch_size, config.objective.labelled, order)
        self._players = model.players()
        self._optimizers = {
            player: config.training.optimizer.build(parameters) for player, parameters in self._players.items()
        }
        self._latest: dict[str, Tensor] = {}

    @property
    def steps(self) -> int:
        """The number of batches trained on so far."""
        return self._order.steps

    def train_epoch(self, most: int | None = None) -> dict[str, float]:
        """Train until the batches of the next epoch, or ``most`` of them, are used; return what to watch, by name.

        That is the mean of every loss term over its steps and, for each player, "gradient_norm/<player>", the mean of
        the L2 norm of its gradient at some of its steps, and "lr/<player>", its learning rate. All terms and norms stay
        on the device until the epoch has ended: asking for them earlier would wait for every step.
        """
        self._model.train()
        epoch = self._order.epochs
        self._set_rates(epoch)
        history: defaultdict[str, list[Tensor]] = defaultdict(list)
        turns: Counter[str] = Counter()
        for index in islice(self._order.epoch(), most):
            moment = Moment(self._order.steps - 1, epoch, tuple(self._players), self._latest)
            batch = self._batch(index)
            for player in self._schedule.turn(moment):
                terms = self._step(player, batch, moment.step)
                self._latest |= terms
                for name, value in terms.items():
                    history[name].append(value)
                if turns[player] % NORM_EVERY == 0:
                    history[f"gradient_norm/{player}"].append(self._gradient_norm(player))
                turns[player] += 1
        return {name: torch.stack(values).mean().item() for name, values in history.items()} | self._rates()

    def state(self) -> dict[str, Tensor]:
        """Return all that the coming steps depend on beside the weights."""
        state = {
            "noise": self._noise.get_state(),
            **_within("batches", self._order.state()),
            **_within("latest", self._latest),
        }
        for player, optimizer in self._optimizers.items():
            state |= _within(f"optimizer.{player}", pack_optimizer(optimizer))
        return state

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where `state` was taken; the weights are the model's own.

        Raises SweeperError where the state is that of another training.
        """
        self._noise.set_state(state["noise"])
        self._order.restore(_below("batches", state))
        self._latest = {name: value.to(self._noise.device) for name, value in _below("latest", state).items()}
        for player, optimizer in self._optimizers.items():
            unpack_optimizer(optimizer, _below(f"optimizer.{player}", state))

    def _batch(self, index: Tensor) -> Batch:
        """Return the images with these indices [B], preprocessed, and their labels."""
        images, labels = self._images.images.index_select(0, index), self._images.labels
        x = self._model.space.preprocess(images, self._noise)
        return Batch(x, None if labels is None else labels.index_select(0, index))

    def _set_rates(self, epoch: int) -> None:
        """Set every player's learning rate for an epoch."""
        annealed = self._training.optimizer.lr * factor(self._training.annealing, epoch, self._training.epochs)
        for player, optimizer in self._optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = annealed * self._schedule.rate(player)

    def _rates(self) -> dict[str, float]:
        """Return the learning rate of every player."""
        groups = {player: optimizer.param_groups[0] for player, optimizer in self._optimizers.items()}
        return {f"lr/{player}": float(group["lr"]) for player, group in groups.items()}

    def _gradient_norm(self, player: str) -> Tensor:
        """Return the L2 norm, 0-dimensional, of the gradient of a player's last step."""
        gradients = (parameter.grad for parameter in self._players[player])
        return get_total_norm(gradient for gradient in gradients if gradient is not None)

    def _step(self, player: str, batch: Batch, step: int) -> Mapping[str, Tensor]:
        """Take one step of one player; return the terms of its loss."""
        optimizer = self._optimizers[player]
        epoch = self._order.time(step)
        loss = self._losses[player](self._model, batch, self._noise, epoch)
        optimizer.zero_grad()
        loss.total.backward(inputs=self._players[player])  # type: ignore[no-untyped-call]  # torch has not typed it
        optimizer.step()
        self._objective.constrain(player, self._model)
        return loss.terms


def _within(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{prefix}."
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
