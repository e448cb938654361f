"""Protects the errors of semi-supervised models: less with more labels, comparable, none where training diverged."""

import math
from pathlib import Path

import pytest
import torch

from models import Batch, ImageShape
from models.presets.semi_supervised import SemiSupervisedVAE
from sweeper.training.data.digits import Digits
from sweeper.training.job import EpochResult, Evaluation, Job, Precision
from sweeper.training.measures import Subject
from sweeper.training.measures.classification import Classification
from sweeper.training.trial import Trial

EPOCHS, FEW, MANY = 12, 100, 1000


def trained(labels: int, folder: Path) -> EpochResult:
    """Train the M2 model on digits, of which so many have a label, and measure it once."""
    config = {
        "data": {"name": "digits", "labels": labels},
        "model": {
            "name": "m2",
            "latent_dim": 8,
            "backbone": {"name": "fc", "hidden": 64},
            "likelihood": {"name": "bernoulli", "binarization": "none"},
        },
        "objective": {"name": "m2", "alpha": 20.0},
        "training": {"epochs": EPOCHS, "batch_size": 64, "optimizer": {"name": "adam", "lr": 3e-3}},
    }
    precision = Precision(1, None)
    evaluation = Evaluation("val/error", "minimize", precision, precision, every=EPOCHS)
    return Trial(Job(0, config, 5, folder / str(labels), evaluation)).advance()


@pytest.fixture(scope="module")
def by_labels(tmp_path_factory: pytest.TempPathFactory) -> dict[int, EpochResult]:
    folder = tmp_path_factory.mktemp("labels")
    return {labels: trained(labels, folder) for labels in (FEW, MANY)}


def test_the_error_falls_with_the_number_of_labels(by_labels: dict[int, EpochResult]) -> None:
    """Guesses err in nine of ten images."""
    few, many = by_labels[FEW], by_labels[MANY]
    assert many.metrics["val/error"] < 0.75 * few.metrics["val/error"] < 0.2
    assert many.test["test/error"] < 0.75 * few.test["test/error"] < 0.2


def test_errors_with_other_numbers_of_labels_may_be_ranked(by_labels: dict[int, EpochResult]) -> None:
    few, many = (by_labels[labels].keys for labels in (FEW, MANY))
    assert few["val/error"] == many["val/error"]
    assert few["test/error"] == many["test/error"] != many["val/error"]


def test_a_model_that_has_diverged_has_no_error() -> None:
    """Its classifier would decide for one class, and be right about that."""
    model = SemiSupervisedVAE(latent_dim=2).build(ImageShape(1, 8, 8), torch.Generator(), torch.device("cpu"), 3).eval()
    batch = Batch(torch.zeros(4, 1, 8, 8), torch.tensor([0, 1, 2, 0]))
    subject = Subject(model, batch, Precision(1, None), "error", torch.Generator)
    measure = Classification(Digits().load())
    assert math.isfinite(measure(subject)["error"])
    with torch.no_grad():
        next(model.parameters()).fill_(math.nan)
    assert math.isnan(measure(subject)["error"])
