"""Protects that adversarial models learn: in seconds they draw all kinds of digits, in the eyes of a classifier."""

from typing import Any

import pytest
import torch

from models import ImageShape
from sweeper.training.classifier import Classifier, Recipe, train_classifier
from sweeper.training.components import parse_config
from sweeper.training.data import Images, resident
from sweeper.training.loop import Trainer

SAMPLES = 1000
SURE = 0.5
"""The probability from which on the classifier's word is taken."""
SHARE = 0.02
"""The part of the samples from which on a class is covered: a fifth of its fair share."""

LAYERS = {"name": "fc", "hidden": 128, "layers": 2}
WITH_NORM = {
    "latent_dim": 16,
    "generator": {**LAYERS, "norm": "batch"},
    "critic": {**LAYERS, "activation": "leaky_relu", "dropout": 0.3},
}
WITHOUT_NORM = {"latent_dim": 16, "generator": LAYERS, "critic": {**LAYERS, "activation": "leaky_relu"}}
CASES = {
    "gan": (WITH_NORM, 20, {"beta1": 0.5}),
    "lsgan": (WITH_NORM, 20, {"beta1": 0.5}),
    "wgan_gp": (WITHOUT_NORM, 30, {"beta1": 0.0, "beta2": 0.9}),
}
"""What a preset is made of, how many epochs it is trained, and how.

With five seeds of five each, gan and lsgan covered ten classes and wgan_gp at least nine.
"""


@pytest.fixture(scope="module")
def digits() -> Images:
    return resident(parse_config(configuration("gan")).data, None, "cpu")


@pytest.fixture(scope="module")
def classifier(digits: Images) -> Classifier:
    return train_classifier(digits, Recipe(steps=150))


def configuration(name: str) -> dict[str, Any]:
    model, epochs, momenta = CASES[name]
    optimizer = {"name": "adam", "lr": 1e-3, **momenta}
    training = {"epochs": epochs, "batch_size": 64, "optimizer": optimizer}
    return {"data": {"name": "digits"}, "model": {"name": name, **model}, "training": training}


def test_the_classifier_can_be_trusted(digits: Images, classifier: Classifier) -> None:
    right = classifier(digits.validation.images / 255).argmax(-1) == digits.validation.labels
    assert right.float().mean() > 0.9


@pytest.mark.parametrize("name", CASES)
def test_samples_cover_the_classes(name: str, digits: Images, classifier: Classifier) -> None:
    trial = parse_config(configuration(name))
    model = trial.model.build(ImageShape(*digits.shape), torch.Generator().manual_seed(0))
    order, noise = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    trainer = Trainer(trial, model, digits.train, order, noise)
    assert covered(model, classifier) < 3
    for _ in range(trial.training.epochs):
        trainer.train_epoch()
    assert covered(model, classifier) >= 8


def covered(model, classifier: Classifier) -> int:
    """Return how many classes the samples of a model are surely of."""
    model.eval()
    samples = model.sample(SAMPLES, torch.Generator().manual_seed(3))
    probability, kind = classifier(samples).softmax(-1).max(-1)
    counts = torch.bincount(kind[probability > SURE], minlength=10)
    return int((counts >= SHARE * SAMPLES).sum())
