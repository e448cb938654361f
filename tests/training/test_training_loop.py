"""Protects the loop: whole batches, every player in turn, terms averaged, no gradient and no rate of another player."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import nn

from models import Batch, ImageShape, Loss, Moment, Objective, Schedule, VariationalAutoencoder
from models.likelihoods import Bernoulli
from models.presets import VAE
from sweeper.training import loop
from sweeper.training.components import TrainingSettings, TrialConfig
from sweeper.training.data import Split
from sweeper.training.data.digits import Digits
from sweeper.training.loop import Trainer
from sweeper.training.optimizers import SGD

SIZE, BATCH = 10, 4
PLAYERS = ("encoder", "decoder")
calls: list[tuple[str, int, float]] = []
moments: list[Moment] = []


class TwoPlayers(VariationalAutoencoder):
    """An autoencoder whose halves are trained as if they played against each other."""

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"encoder": list(self.encoder.parameters()), "decoder": list(self.decoder.parameters())}


@dataclass(frozen=True)
class EverySecond(Schedule):
    """The encoder steps on every batch, the decoder on every second one."""

    slowness: float = 1.0

    def turn(self, moment: Moment, /) -> tuple[str, ...]:
        moments.append(replace(moment, terms=dict(moment.terms)))
        return PLAYERS if moment.step % 2 else ("encoder",)

    def check(self, players: Collection[str]) -> None: ...

    def rate(self, player: str) -> float:
        return self.slowness if player == "decoder" else 1.0


@dataclass(frozen=True)
class Squares(Objective):
    """Each player minimizes the sum of all squared weights; the term counts the calls."""

    restored: list[tuple[str, float]] = field(default_factory=list)
    """Who was constrained, and the largest of its weights then."""

    def losses(self) -> Mapping[str, Any]:
        return {player: self._loss(player) for player in PLAYERS}

    def _loss(self, player: str) -> Any:
        def loss(model: TwoPlayers, batch: Batch, generator: torch.Generator, epoch: float) -> Loss:
            calls.append((player, len(batch), epoch))
            total = sum((p.square().sum() for p in model.parameters()), torch.tensor(0.0))
            return Loss(total, {f"{player}/calls": torch.tensor(float(len(calls)))})

        return loss

    def constrain(self, player: str, model: TwoPlayers) -> None:
        self.restored.append((player, largest(model, player)))


def largest(model: TwoPlayers, player: str) -> float:
    return max(parameter.abs().max().item() for parameter in model.players()[player])


@pytest.fixture
def model() -> TwoPlayers:
    plain = VAE(latent_dim=2).build(ImageShape(1, 2, 2), torch.Generator().manual_seed(0))
    return TwoPlayers(plain.encoder, plain.decoder, Bernoulli(), latent_dim=2)


def trainer_of(model: TwoPlayers, slowness: float = 1.0, objective: Objective | None = None, **changes: Any) -> Trainer:
    calls.clear()
    moments.clear()
    settings = TrainingSettings(**{"epochs": 4, "batch_size": BATCH, "optimizer": SGD(lr=0.25)} | changes)
    config = TrialConfig(Digits(), VAE(latent_dim=2), objective or Squares(), settings, EverySecond(slowness))
    images = Split(torch.zeros(SIZE, 1, 2, 2, dtype=torch.uint8), None)
    return Trainer(config, model, images, torch.Generator(), torch.Generator())


def weights(model: TwoPlayers) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_players_step_in_their_turns_on_whole_batches_at_the_right_time(model: TwoPlayers) -> None:
    trainer = trainer_of(model)
    terms = trainer.train_epoch()
    assert calls == [
        ("encoder", 4, 0.0),
        ("encoder", 4, 0.4),
        ("decoder", 4, 0.4),
        ("encoder", 4, 0.8),
    ]
    means = {name: mean for name, mean in terms.items() if name.endswith("calls")}
    assert means == {"encoder/calls": pytest.approx((1 + 2 + 4) / 3), "decoder/calls": 3.0}
    calls.clear()
    trainer.train_epoch()
    assert [(player, time) for player, _, time in calls] == [
        ("encoder", 1.2),
        ("decoder", 1.2),
        ("encoder", 1.6),
    ], "time must go on across epochs"


def test_the_schedule_is_told_step_epoch_and_the_latest_terms(model: TwoPlayers) -> None:
    trainer = trainer_of(model)
    trainer.train_epoch()
    trainer.train_epoch()
    assert [(moment.step, moment.epoch) for moment in moments] == [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1)]
    assert [moment.terms for moment in moments[:4]] == [
        {},
        {"encoder/calls": 1.0},
        {"encoder/calls": 2.0, "decoder/calls": 3.0},
        {"encoder/calls": 4.0, "decoder/calls": 3.0},
    ]


def test_the_latest_terms_outlive_a_resumption(model: TwoPlayers) -> None:
    trainer = trainer_of(model)
    trainer.train_epoch()
    state = trainer.state()
    resumed = trainer_of(model)
    resumed.restore(state)
    resumed.train_epoch()
    assert moments[0].step == 3
    assert moments[0].terms == {"encoder/calls": 4.0, "decoder/calls": 3.0}


def test_a_step_uses_the_gradient_of_its_own_loss_alone(model: TwoPlayers) -> None:
    """With lr 0.25 a step halves the weights; a gradient that was left from another player would do more."""
    trainer, before = trainer_of(model), weights(model)
    trainer.train_epoch()
    for name, value in model.state_dict().items():
        steps = 3 if name.startswith("encoder") else 1
        torch.testing.assert_close(value, before[name] * 0.5**steps)


def test_a_loss_reaches_no_parameter_of_another_player(model: TwoPlayers) -> None:
    """After the first batch, on which the encoder alone has stepped, the decoder has no gradient at all."""
    trainer, before = trainer_of(model, batch_size=SIZE), weights(model)
    trainer.train_epoch()
    assert [player for player, *_ in calls] == ["encoder"]
    for name, parameter in model.named_parameters():
        if name.startswith("encoder"):
            torch.testing.assert_close(parameter.grad, 2 * before[name])
        else:
            assert parameter.grad is None
            assert parameter.equal(before[name])


def test_every_player_learns_at_its_own_rate(model: TwoPlayers) -> None:
    """A factor of 1/2 on lr 0.25 takes a quarter of the weights away at each step."""
    trainer, before = trainer_of(model, slowness=0.5), weights(model)
    trainer.train_epoch()
    for name, value in model.state_dict().items():
        left = 0.5**3 if name.startswith("encoder") else 0.75
        torch.testing.assert_close(value, before[name] * left)


@pytest.mark.parametrize(("every", "encoder"), [(1, (1 + 1 / 2 + 1 / 4) / 3), (2, (1 + 1 / 4) / 2), (3, 1)])
def test_the_gradient_of_each_player_is_watched_at_its_own_steps(
    model: TwoPlayers, monkeypatch: pytest.MonkeyPatch, every: int, encoder: float
) -> None:
    """The gradient is twice the weights, which each step halves."""
    monkeypatch.setattr(loop, "NORM_EVERY", every)
    trainer = trainer_of(model)
    norms = {player: norm(model.players()[player]) for player in PLAYERS}
    found = trainer.train_epoch()
    assert found["gradient_norm/encoder"] == pytest.approx(2 * norms["encoder"] * encoder)
    assert found["gradient_norm/decoder"] == pytest.approx(2 * norms["decoder"])
    assert not any("gradient_norm" in name for name in trainer.state()), "what is watched is no part of the state"


def norm(parameters: list[nn.Parameter]) -> float:
    return torch.cat([parameter.detach().flatten() for parameter in parameters]).norm().item()


def test_the_rate_of_each_player_is_that_of_the_epoch(model: TwoPlayers) -> None:
    trainer = trainer_of(model, slowness=0.5, annealing="linear")
    found = [trainer.train_epoch() for _ in range(2)]
    assert [(epoch["lr/encoder"], epoch["lr/decoder"]) for epoch in found] == [(0.25, 0.125), (0.1875, 0.09375)]


def test_the_rate_falls_by_epochs_after_a_resumption_too(model: TwoPlayers) -> None:
    """Four epochs of one step each at rates 1/4, 3/16, 2/16 and 1/16, and half of that for the decoder."""
    once = {"annealing": "linear", "batch_size": SIZE}
    trainer, before = trainer_of(model, slowness=0.5, **once), weights(model)
    trainer.train_epoch()
    state = trainer.state()
    resumed = trainer_of(model, slowness=0.5, **once)
    resumed.restore(state)
    for _ in range(3):
        resumed.train_epoch()
    left = {"encoder": 1 / 2 * 5 / 8 * 3 / 4 * 7 / 8, "decoder": (1 - 3 / 16) * (1 - 1 / 16)}
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, before[name] * left[name.partition(".")[0]])


def test_a_player_is_constrained_after_each_of_its_steps(model: TwoPlayers) -> None:
    first = {player: largest(model, player) for player in PLAYERS}
    objective = Squares()
    trainer_of(model, objective=objective).train_epoch()
    assert objective.restored == [
        ("encoder", pytest.approx(first["encoder"] / 2)),
        ("encoder", pytest.approx(first["encoder"] / 4)),
        ("decoder", pytest.approx(first["decoder"] / 2)),
        ("encoder", pytest.approx(first["encoder"] / 8)),
    ]


def test_the_state_names_every_player(model: TwoPlayers) -> None:
    trainer = trainer_of(model)
    trainer.train_epoch()
    assert {"noise", "batches.generator", "batches.ahead", "batches.steps"} <= set(trainer.state())
