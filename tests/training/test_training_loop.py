"""Protects the loop: whole batches, every player in turn, terms averaged, no gradient left from another player."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models import ImageShape, LatentVariableModel, Loss, Objective, Schedule
from models.presets import VAE
from sweeper.training.components import TrainingSettings, TrialConfig
from sweeper.training.data.digits import Digits
from sweeper.training.loop import Trainer
from sweeper.training.optimizers import SGD

SIZE, BATCH = 10, 4
calls: list[tuple[str, int, float]] = []


@dataclass(frozen=True)
class TwoPlayers(Schedule):
    """The encoder steps on every batch, the decoder on every second one."""

    def players(self, model: nn.Module) -> dict[str, list[nn.Parameter]]:
        assert isinstance(model, LatentVariableModel)
        return {"encoder": list(model.encoder.parameters()), "decoder": list(model.decoder.parameters())}

    def turn(self, step: int, /) -> tuple[str, ...]:
        return ("encoder", "decoder") if step % 2 else ("encoder",)


@dataclass(frozen=True)
class Squares(Objective):
    """Each player minimizes the sum of its squared weights; the term counts the calls."""

    terms: list[float] = field(default_factory=list)

    def losses(self) -> Mapping[str, Any]:
        return {"encoder": self._loss("encoder"), "decoder": self._loss("decoder")}

    def _loss(self, player: str) -> Any:
        def loss(model: LatentVariableModel, x: Tensor, generator: torch.Generator, epoch: float) -> Loss:
            calls.append((player, len(x), epoch))
            total = sum((p.square().sum() for p in model.parameters()), torch.tensor(0.0))
            return Loss(total, {f"{player}/calls": torch.tensor(float(len(calls)))})

        return loss


@pytest.fixture
def trainer() -> Trainer:
    calls.clear()
    settings = TrainingSettings(epochs=1, batch_size=BATCH, optimizer=SGD(lr=0.25), schedule=TwoPlayers())
    config = TrialConfig(Digits(), VAE(latent_dim=2), Squares(), settings)
    model = VAE(latent_dim=2).build(ImageShape(1, 2, 2), torch.Generator().manual_seed(0))
    images = torch.zeros(SIZE, 1, 2, 2, dtype=torch.uint8)
    return Trainer(config, model, images, torch.Generator(), torch.Generator())


def test_players_step_in_their_turns_on_whole_batches_at_the_right_time(trainer: Trainer) -> None:
    terms = trainer.train_epoch()
    assert calls == [
        ("encoder", 4, 0.0),
        ("encoder", 4, 0.4),
        ("decoder", 4, 0.4),
        ("encoder", 4, 0.8),
    ]
    assert terms == {"encoder/calls": pytest.approx((1 + 2 + 4) / 3), "decoder/calls": 3.0}
    calls.clear()
    trainer.train_epoch()
    assert [(player, time) for player, _, time in calls] == [
        ("encoder", 1.2),
        ("decoder", 1.2),
        ("encoder", 1.6),
    ], "time must go on across epochs"


def test_a_step_uses_the_gradient_of_its_own_loss_alone(trainer: Trainer) -> None:
    """With lr 0.25 a step halves the weights; a gradient that was left from another player would do more."""
    model = trainer._model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer.train_epoch()
    for name, value in model.state_dict().items():
        steps = 3 if name.startswith("encoder") else 1
        torch.testing.assert_close(value, before[name] * 0.5**steps)


def test_the_state_names_every_player(trainer: Trainer) -> None:
    trainer.train_epoch()
    assert {"noise", "batches.generator", "batches.ahead", "batches.steps"} <= set(trainer.state())
