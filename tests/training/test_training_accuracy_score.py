"""Protects the classification accuracy score: samples as good as images score as images do, wrong classes by chance."""

import math
from dataclasses import replace

import pytest
import torch
from learned_by_heart import Drawing, Labelled, labels_of, pool, subject

from models import Batch, GenerativeModel, ImageShape
from models.conditions import Label
from models.likelihoods import Bernoulli
from models.presets import VAE
from models.presets.gan import ConditionalGAN
from models.presets.semi_supervised import SemiSupervisedVAE
from sweeper.spec.settings import _USUAL
from sweeper.training.classifier import train_classifier
from sweeper.training.data import Images
from sweeper.training.data.digits import Digits
from sweeper.training.evaluation import METRICS
from sweeper.training.job import Precision
from sweeper.training.measures import RANKED, measurable, measures_of
from sweeper.training.measures.accuracy_score import RECIPE, AccuracyScore, accuracy

SHAPE = ImageShape(1, 8, 8)


@pytest.fixture(scope="module")
def digits() -> Images:
    return Digits().load()


def score(model: GenerativeModel, images: Images) -> float:
    return AccuracyScore(images)(subject(model, images))["cas"]


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_real_images_drawn_again_teach_as_much_as_the_images(digits: Images) -> None:
    model = Labelled(pool(digits), labels_of(digits))
    learned = accuracy(train_classifier(digits, RECIPE), subject(model, digits).batch)
    found = score(model, digits)
    assert learned > 0.93
    assert found == pytest.approx(learned, abs=0.03)
    assert score(model, digits) == found, "it is not the same in another trial"


def test_images_of_any_class_teach_nothing(digits: Images) -> None:
    shuffled = labels_of(digits)[torch.randperm(len(digits.train), generator=seeded())]
    assert score(Labelled(pool(digits), shuffled), digits) < 0.25


def test_images_that_are_too_much_alike_teach_little(digits: Images) -> None:
    labels = labels_of(digits)
    few = torch.cat([(labels == label).nonzero().squeeze(-1)[:1] for label in range(10)])
    assert 0.3 < score(Labelled(pool(digits)[few], labels[few]), digits) < 0.8


def test_black_and_white_samples_are_tested_on_black_and_white_images(digits: Images) -> None:
    drawn = torch.bernoulli(pool(digits), generator=seeded())
    assert score(Labelled(drawn, labels_of(digits), Bernoulli()), digits) > 0.75


def test_the_classes_of_samples_are_drawn_and_not_those_of_the_images(digits: Images) -> None:
    model = Labelled(pool(digits), labels_of(digits))
    measured = subject(model, digits)
    assert measured.batch.y is not None
    threes = replace(measured, batch=Batch(measured.batch.x, torch.full_like(measured.batch.y, 3)))
    AccuracyScore(digits)(threes)
    told = torch.cat([context for context in model.told if context is not None])
    assert (told.mean(0) > 0.08).all()


def test_a_model_that_has_diverged_has_no_score(digits: Images) -> None:
    assert math.isnan(score(Labelled(pool(digits) * math.nan, labels_of(digits)), digits))


def test_samples_that_are_all_the_same_teach_one_class(digits: Images) -> None:
    assert score(Labelled(torch.full_like(pool(digits), 0.5), labels_of(digits)), digits) < 0.25


def test_it_is_measured_of_models_that_can_be_told_a_class_and_where_it_ranks(digits: Images) -> None:
    told = [preset.compose(SHAPE, classes=10) for preset in (VAE(condition=Label()), SemiSupervisedVAE())]
    critics = ConditionalGAN().compose(SHAPE, classes=10)
    assert all("cas" in measurable(model, 10) for model in (*told, critics))
    assert "cas" not in measurable(Drawing(pool(digits)), 10)
    for model, ranked_by, measured in ((critics, "cas", True), (critics, "fld", False), (told[0], "nll", False)):
        kinds = [type(measure) for measure in measures_of(model, digits, ranked_by)]
        assert (AccuracyScore in kinds) == measured


def test_a_sweep_may_rank_by_it_and_by_samples_in_a_known_direction() -> None:
    assert "val/cas" in METRICS
    assert _USUAL["cas"] == _USUAL["coverage"] == "maximize"
    assert _USUAL["kid"] == _USUAL["fld"] == "minimize"
    assert set(RANKED) <= set(_USUAL)


def test_its_scale_tells_grey_images_from_black_and_white_ones(digits: Images) -> None:
    binary = VAE(condition=Label()).compose(SHAPE, classes=10)
    grey = Labelled(pool(digits), labels_of(digits))
    assert AccuracyScore.scale(binary, Precision(1, None)) == {"binarization": "black and white"}
    assert AccuracyScore.scale(grey, Precision(1, None)) == {"binarization": "none"}
