"""Protects the yardstick: same images, same binarization, same noise for every trial."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from models import ImageShape, LatentVariableModel, importance_weighted_bound
from models.likelihoods import Bernoulli
from models.presets import VAE
from sweeper.training.data import Images, Split
from sweeper.training.evaluation import Evaluator
from sweeper.training.job import Evaluation, Precision

EVALUATION = Evaluation("val/nll", "minimize", Precision(3, 10), Precision(4, 7))


def split(count: int, seed: int) -> Split:
    images = torch.randint(0, 256, (count, 1, 4, 4), generator=torch.Generator().manual_seed(seed))
    return Split(images.to(torch.uint8), None)


@pytest.fixture
def images() -> Images:
    return Images(split(30, 0), split(20, 1), split(15, 2), classes=0)


def model(seed: int = 0, binarization: Any = "dynamic") -> LatentVariableModel:
    preset = VAE(latent_dim=2, likelihood=Bernoulli(binarization=binarization))
    return preset.build(ImageShape(1, 4, 4), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("binarization", ["dynamic", "static", "none"])
def test_equal_weights_measure_equal_whatever_was_drawn_before(images: Images, binarization: str) -> None:
    first = Evaluator(images, model(0, binarization), EVALUATION)
    expected = first.validate()
    torch.rand(5)
    assert first.validate() == expected
    assert Evaluator(images, model(0, binarization), EVALUATION).validate() == expected
    assert Evaluator(images, model(1, binarization), EVALUATION).validate() != expected


@pytest.mark.parametrize("binarization", ["dynamic", "static"])
def test_every_trial_is_measured_on_the_same_binary_images(images: Images, binarization: str) -> None:
    found = Evaluator(images, model(0, binarization), EVALUATION).examples
    assert set(found.x.unique().tolist()) == {0.0, 1.0}
    assert found.x.equal(Evaluator(images, model(1, "static"), EVALUATION).examples.x)


def test_without_binarization_the_grey_values_are_measured(images: Images) -> None:
    evaluator = Evaluator(images, model(0, "none"), EVALUATION)
    assert evaluator.examples.x.equal(images.validation.images[:10] / 255)
    assert evaluator.training_images().images is images.train.images


def test_validation_takes_the_first_images_and_the_bound_with_k(images: Images) -> None:
    evaluator = Evaluator(images, model(), EVALUATION)
    assert len(evaluator.examples) == 10
    assert len(Evaluator(images, model(), replace(EVALUATION, validation=Precision(3, None))).examples) == 20
    other = Images(images.train, Split(images.validation.images.clone(), None), images.test, 0)
    other.validation.images[10:] = 0
    assert Evaluator(other, model(), EVALUATION).validate() == evaluator.validate()


def test_a_larger_k_gives_a_tighter_bound(images: Images) -> None:
    network = model()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(5)  # far from its posterior, so that the bound with few samples is loose
    few = Evaluator(images, network, EVALUATION).validate()
    many = Evaluator(images, network, replace(EVALUATION, validation=Precision(500, 10))).validate()
    assert many["val/nll"] < few["val/nll"] - 1
    assert many["val/kl"] == few["val/kl"]


def test_the_bound_is_that_of_models(images: Images) -> None:
    network = model().eval()
    evaluator = Evaluator(images, network, EVALUATION)
    bounds = [
        importance_weighted_bound(network, evaluator.examples, 3, torch.Generator().manual_seed(seed)).mean().item()
        for seed in range(40)
    ]
    mean, spread = torch.tensor(bounds).mean().item(), torch.tensor(bounds).std().item()
    assert abs(-evaluator.validate()["val/nll"] - mean) < 4 * spread


def test_test_is_measured_on_the_first_test_images(images: Images) -> None:
    evaluator = Evaluator(images, model(), EVALUATION)
    expected = evaluator.test(Precision(4, 7))
    assert set(expected) == {name.replace("val/", "test/") for name in evaluator.validate()} >= {"test/nll", "test/kl"}
    changed = Images(images.train, images.validation, Split(images.test.images.clone(), None), 0)
    changed.test.images[7:] = 0
    assert Evaluator(changed, model(), EVALUATION).test(Precision(4, 7)) == expected
    changed.test.images[:7] = 0
    assert Evaluator(changed, model(), EVALUATION).test(Precision(4, 7)) != expected


def test_training_images_are_fixed_once_for_all_trials_if_static(images: Images) -> None:
    first = Evaluator(images, model(0, "static"), EVALUATION).training_images()
    assert set(first.images.unique().tolist()) == {0, 255}
    assert first.images.equal(Evaluator(images, model(1, "static"), EVALUATION).training_images().images)
    assert Evaluator(images, model(0, "dynamic"), EVALUATION).training_images() is images.train


def test_measuring_leaves_no_gradient_and_does_not_train_batch_norm(images: Images) -> None:
    network = model().train()
    evaluator = Evaluator(images, network, EVALUATION)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    evaluator.validate()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(before[name].equal(value) for name, value in network.state_dict().items())
    assert not network.training
