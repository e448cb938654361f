"""Protects what is watched while training: of each player its gradient and its rate, of a critic both of its scores."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path

import pytest
import torch
from support.presets import CLASSES, TINY, small_preset

from models import Model, Moment, Schedule, names
from models.adversarial import CRITIC
from sweeper.training import memory as memory_module
from sweeper.training.components import TrainingSettings, TrialConfig
from sweeper.training.data import Split
from sweeper.training.data.digits import Digits
from sweeper.training.loop import Trainer
from sweeper.training.memory import forget_peak, memory
from sweeper.training.optimizers import SGD

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
RATE = 1e-3


class Everyone(Schedule):
    """All players step on every batch, the critic at half the rate."""

    def turn(self, moment: Moment, /) -> tuple[str, ...]:
        return moment.players

    def check(self, players: Collection[str]) -> None: ...

    def rate(self, player: str) -> float:
        return 0.5 if player == CRITIC else 1.0


def watched(name: str) -> tuple[set[str], Mapping[str, float]]:
    """Return the players of a preset, and what is said of an epoch in which all have their turns."""
    preset = small_preset(name)
    model = preset.build(TINY, torch.Generator().manual_seed(0), CPU, CLASSES)
    settings = TrainingSettings(epochs=1, batch_size=4, optimizer=SGD(lr=RATE))
    config = TrialConfig(Digits(), preset, preset.objective(), settings, Everyone())
    draws = torch.Generator().manual_seed(1)
    pixels = torch.randint(256, (12, *TINY), dtype=torch.uint8, generator=draws)
    trainer = Trainer(config, model, Split(pixels, torch.arange(12) % CLASSES), draws, torch.Generator().manual_seed(2))
    return set(model.players()), trainer.train_epoch()


@pytest.mark.parametrize("name", names(Model))
def test_every_player_of_every_preset_is_watched(name: str) -> None:
    players, found = watched(name)
    for player in players:
        assert found[f"gradient_norm/{player}"] > 0
        assert found[f"lr/{player}"] == (RATE / 2 if player == CRITIC else RATE)
    assert all(math.isfinite(value) for value in found.values())
    if CRITIC in players:
        assert {"critic_loss", "critic_real", "critic_fake", "critic_accuracy"} <= set(found)
        assert found["critic_real"] != found["critic_fake"]
        assert 0 <= found["critic_accuracy"] <= 1


def test_the_memory_of_this_process_is_more_than_that_of_its_libraries() -> None:
    before = memory(CPU)["memory/resident"]
    held = torch.ones(32, 2**20)
    grown = memory(CPU)["memory/resident"] - before
    assert before > 50
    assert grown == pytest.approx(held.nbytes / 2**20, rel=0.2)


def test_where_the_system_does_not_say_it_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "STATM", tmp_path / "statm")
    assert memory(CPU) == {}


def test_on_an_accelerator_the_peak_is_that_since_it_was_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """No accelerator is at hand: what is asked of PyTorch is looked at."""
    peak = {CUDA: 7 * 2**20}
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", peak.__getitem__)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: peak.update({device: 3 * 2**20}))
    assert memory(CUDA)["memory/accelerator"] == 7
    forget_peak(CUDA)
    assert memory(CUDA)["memory/accelerator"] == 3
