"""Trials on a hundred digits, which train in milliseconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweeper.training.job import Evaluation, Job, Precision

TRAIN_SIZE = 97
BATCH_SIZE = 20


@pytest.fixture
def make_config() -> Callable[..., dict[str, Any]]:
    def make(**sections: Any) -> dict[str, Any]:
        return {
            "data": {"name": "digits", "validation": 1547 - TRAIN_SIZE},
            "model": {
                "name": "vae",
                "latent_dim": 2,
                "backbone": {"name": "fc", "hidden": 8, **sections.get("backbone", {})},
                "likelihood": sections.get("likelihood", "bernoulli"),
            },
            "objective": sections.get("objective", {"name": "elbo"}),
            "training": {
                "epochs": sections.get("epochs", 3),
                "batch_size": BATCH_SIZE,
                "optimizer": sections.get("optimizer", {"name": "adam", "lr": 1e-2}),
            },
        }

    return make


@pytest.fixture
def make_job(tmp_path: Path, make_config: Callable[..., dict[str, Any]]) -> Callable[..., Job]:
    """Returns a function that makes a job in a folder of a name; `test=True` makes it a final."""

    def make(name: str = "trial", *, seed: int = 5, test: bool = False, best_epochs: int = 1, **sections: Any) -> Job:
        precision = Precision(4, 30) if test else None
        evaluation = Evaluation("val/nll", "minimize", Precision(3, 40), precision, best_epochs=best_epochs)
        return Job(0, make_config(**sections), seed, tmp_path / name, evaluation)

    return make
