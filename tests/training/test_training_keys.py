"""Protects the comparability key of every metric: it changes with what makes values incomparable, only with that."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from models import GenerativeModel, ImageShape
from sweeper.comparability import Key, differences
from sweeper.training.components import TrialConfig, parse_config
from sweeper.training.data.digits import Digits
from sweeper.training.job import Evaluation, Precision
from sweeper.training.keys import described, keys_of

IMAGES = Digits().load()
EVALUATION = Evaluation("val/nll", "minimize", Precision(100, 200), Precision(5000, None))


def trial(model: Any, objective: Any = None, data: Any = "digits") -> TrialConfig:
    sections = {} if objective is None else {"objective": objective}
    training = {"epochs": 1, "batch_size": 8, "optimizer": {"name": "adam"}}
    return parse_config({"data": data, "model": model, "training": training, **sections})


def keys(model: Any, evaluation: Evaluation = EVALUATION, **sections: Any) -> dict[str, Key]:
    config = trial(model, **sections)
    with torch.device("meta"):
        composed: GenerativeModel = config.model.compose(ImageShape(1, 8, 8), IMAGES.classes)
    return keys_of(config.data, IMAGES, composed, evaluation)


def parts(metric: str, ours: dict[str, Key], theirs: dict[str, Key]) -> list[str]:
    """Return the parts in which the keys of a metric differ."""
    return [found.part for found in differences([("ours", ours[metric]), ("theirs", theirs[metric])])]


VAE = {"name": "vae", "latent_dim": 2}


def likelihood(name: str, **settings: Any) -> dict[str, Any]:
    return {**VAE, "likelihood": {"name": name, **settings}}


@pytest.mark.parametrize(
    ("model", "other", "by_density", "by_samples"),
    [
        (VAE, {**VAE, "latent_dim": 50, "backbone": {"name": "conv", "channels": 4}}, [], []),
        (likelihood("beta"), likelihood("gaussian"), ["likelihood"], []),
        (likelihood("gaussian", scale=0.1), likelihood("gaussian"), [], []),
        (likelihood("bernoulli"), likelihood("bernoulli", binarization="static"), ["binarization"], []),
        (
            likelihood("bernoulli"),
            likelihood("bernoulli", binarization="none"),
            ["binarization"],
            ["binarization"],
        ),
        (VAE, {"name": "cvae", "latent_dim": 2}, ["conditioning"], []),
        (
            {"name": "completion_cvae", "condition": {"name": "pixels", "observed": "top"}},
            {"name": "completion_cvae", "condition": {"name": "pixels", "observed": "left"}},
            ["conditioning"],
            ["conditioning"],
        ),
    ],
)
def test_models_differ_by_what_they_score_and_are_told(
    model: Any, other: Any, by_density: list[str], by_samples: list[str]
) -> None:
    assert parts("val/nll", keys(model), keys(other)) == by_density
    assert parts("val/fld", keys(model), keys(other)) == by_samples


@pytest.mark.parametrize(
    "objective",
    [{"name": "iwae", "k": 50}, {"name": "elbo", "beta": 4.0}, {"name": "jensen_shannon"}],
    ids=["k", "beta", "divergence"],
)
def test_what_a_model_was_trained_by_does_not_matter(objective: Any) -> None:
    assert keys(VAE, objective=objective) == keys(VAE)


def test_precision_matters_to_a_bound_and_the_number_of_images_to_all() -> None:
    rough = replace(EVALUATION, validation=Precision(10, 200), test=Precision(5000, 249))
    assert parts("val/nll", keys(VAE), keys(VAE, rough)) == ["k"]
    assert parts("val/fld", keys(VAE), keys(VAE, rough)) == []
    assert parts("test/nll", keys(VAE), keys(VAE, rough)) == ["images"]
    assert parts("test/fld", keys(VAE), keys(VAE, rough)) == ["images"]


def test_validation_and_test_are_never_ranked_against_each_other() -> None:
    found = keys(VAE)
    assert "images" in [each.part for each in differences([("", found["val/fld"]), ("", found["test/fld"])])]


def test_a_trial_that_is_not_tested_has_no_keys_on_test() -> None:
    assert {name.partition("/")[0] for name in keys(VAE, replace(EVALUATION, test=None))} == {"val"}


def test_data_differ_by_all_that_changes_the_images_held_out() -> None:
    assert parts("val/nll", keys(VAE), keys(VAE, data={"name": "digits", "validation": 100})) == ["data"]
    assert described(Digits()) == "digits"
    assert described(Digits(validation=100)) == "digits validation=100"
    assert described(Digits(labels=100)) == "digits", "held-out images keep their labels"


@pytest.mark.parametrize(
    ("images", "shown"), [(249, "val, the first 249"), (250, "val, all"), (1000, "val, all"), (None, "val, all")]
)
def test_as_many_images_as_there_are_or_more_are_all_of_them(images: int | None, shown: str) -> None:
    assert len(IMAGES.validation) == 250
    evaluation = replace(EVALUATION, validation=Precision(100, images))
    assert keys(VAE, evaluation)["val/nll"].images == shown
