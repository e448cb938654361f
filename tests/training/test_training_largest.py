"""Protects what a share is measured with: the largest model of an arm, and a few steps of its training."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.sweeps import make_spec

from models import ImageShape
from sweeper.training import forecast
from sweeper.training.components import parse_config
from sweeper.training.data import resident
from sweeper.training.forecast import largest_config
from sweeper.training.loop import Trainer


def test_the_largest_model_of_an_arm_has_all_that_makes_it_large() -> None:
    backbone = {"choose": {"fc": {"hidden": {"int": [8, 64]}, "layers": {"int": [1, 3]}}, "conv": {"channels": 4}}}
    config = largest_config(make_spec(backbone=backbone, lr=1e-3), "fc", None)
    assert config["model"]["backbone"] == {"hidden": 64, "layers": 3, "name": "fc"}
    assert config["model"]["latent_dim"] == 8


def test_what_cannot_be_trained_is_not_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    def cost(config: dict[str, Any], *_: object) -> float:
        if config["model"]["latent_dim"] == 8:
            raise RuntimeError("no such size")
        return float(config["model"]["latent_dim"])

    monkeypatch.setattr(forecast, "step_seconds", cost)
    assert largest_config(make_spec(), "fc", None)["model"]["latent_dim"] == 4


def test_a_part_of_an_epoch_has_so_many_steps_and_goes_on_from_there(
    make_config: Callable[..., dict[str, Any]],
) -> None:
    config = parse_config(make_config())
    images = resident(config.data, None, "cpu")
    generator = torch.Generator().manual_seed(0)
    model = config.model.build(ImageShape(*images.shape), generator, torch.device("cpu"), images.classes)
    trainer = Trainer(config, model, images.train, torch.Generator(), torch.Generator())
    steps = []
    for most in (2, 1, None, 99):
        trainer.train_epoch(most)
        steps.append(trainer.steps)
    assert steps == [2, 3, 5, 10], "five batches are an epoch of 97 images"
