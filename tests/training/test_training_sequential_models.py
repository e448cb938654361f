"""Protects that the sequential models are worth their time: on digits, DRAW and PixelVAE beat the fc VAE.

All have the same budget: 20 epochs of the 1,297 training digits in batches of 32, by Adam, with a learning rate that
falls from 6e-3 along half a cosine and a warm-up of the KL over 15 epochs. Over the seeds 0 to 3, on the validation
digits, DRAW was at least 0.13 nats better and PixelVAE at least 0.38.
"""

from pathlib import Path
from typing import Any

import pytest

from sweeper.training.job import Evaluation, Job, Precision
from sweeper.training.trial import Trial

EPOCHS = 20
PERCEPTRONS = {"name": "fc_vae"}
SEQUENTIAL = {
    "draw": {"name": "draw", "steps": 4, "latent_dim": 5, "hidden": 128},
    "pixel_vae": {"name": "pixel_vae", "latent_dim": 8, "channels": 16, "backbone": {"name": "fc", "hidden": 200}},
}


def nll(model: dict[str, Any], folder: Path) -> float:
    """Return val/nll at the end of the budget, by 10 importance samples."""
    config = {
        "data": {"name": "digits"},
        "model": model,
        "objective": {"name": "elbo", "warmup": 15},
        "training": {
            "epochs": EPOCHS,
            "batch_size": 32,
            "optimizer": {"name": "adam", "lr": 6e-3},
            "annealing": "cosine",
        },
    }
    evaluation = Evaluation("val/nll", "minimize", Precision(10, None))
    trial = Trial(Job(0, config, 0, folder, evaluation))
    results = [trial.advance() for _ in range(EPOCHS)]
    assert results[-1].done
    return results[-1].metrics["val/nll"]


@pytest.fixture(scope="module")
def of_the_perceptrons(tmp_path_factory: pytest.TempPathFactory) -> float:
    return nll(PERCEPTRONS, tmp_path_factory.mktemp("fc_vae"))


@pytest.mark.parametrize("model", SEQUENTIAL.values(), ids=SEQUENTIAL)
def test_it_beats_the_fc_vae_with_the_same_budget(
    model: dict[str, Any], of_the_perceptrons: float, tmp_path: Path
) -> None:
    assert nll(model, tmp_path) < of_the_perceptrons
