"""Protects the measures of densities and of classifiers: their values, which models have them, and what is left out."""

from typing import Any

import pytest
import torch
from torch import Tensor

from models import Batch, GenerativeModel, ImageShape, VariationalAutoencoder, find, names
from models.presets import VAE, Model
from sweeper.training.data import Images, Split
from sweeper.training.job import Precision
from sweeper.training.measures import classification, density, measurable
from sweeper.training.measures.base import Subject
from sweeper.training.measures.classification import Classification
from sweeper.training.measures.density import Density

SHAPE, CLASSES, COUNT = ImageShape(1, 4, 4), 3, 20


def images() -> Images:
    split = Split(torch.zeros(5, *SHAPE, dtype=torch.uint8), torch.zeros(5, dtype=torch.int64))
    return Images(split, split, split, CLASSES)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(2)


class Guesses(VariationalAutoencoder):
    """Takes the number of black columns for the class."""

    classifies = True

    def classify(self, x: Tensor) -> Tensor:
        return torch.nn.functional.one_hot((x[:, 0, 0] == 0).sum(-1), 5).float()


@pytest.fixture
def model() -> VariationalAutoencoder:
    return VAE(latent_dim=2).build(SHAPE, torch.Generator().manual_seed(0)).eval()


@pytest.fixture
def guesses(model: VariationalAutoencoder) -> Guesses:
    return Guesses(model.encoder, model.decoder, model.likelihood, latent_dim=2).eval()


def subject_of(model: GenerativeModel, ranked_by: str = "nll", k: int = 4) -> Subject:
    x = torch.rand(COUNT, *SHAPE, generator=seeded()).round()
    y = (x[:, 0, 0] == 0).sum(-1)
    y[:5] = (y[:5] + 1) % 5
    return Subject(model, Batch(x, y), Precision(k, None), ranked_by, seeded)


def test_the_bound_with_one_draw_is_made_of_its_parts(model: VariationalAutoencoder) -> None:
    found = Density(images())(subject_of(model, k=1))
    subject = subject_of(model)
    terms = model.terms(subject.batch, 1, seeded())
    assert found["reconstruction"] == pytest.approx(-terms.log_likelihood.mean().item())
    assert found["kl"] == pytest.approx(terms.kl.mean().item())
    assert found["nll"] == pytest.approx(-terms.log_weights.mean().item())


def test_the_tight_bound_is_left_out_where_it_does_not_rank(model: VariationalAutoencoder) -> None:
    ranked, other = (Density(images())(subject_of(model, name)) for name in ("nll", "fld"))
    assert set(ranked) == {"nll", "reconstruction", "kl"}
    assert other == {name: ranked[name] for name in ("reconstruction", "kl")}


def test_the_error_is_the_share_of_wrong_classes(guesses: Guesses) -> None:
    assert Classification(images())(subject_of(guesses)) == {"error": 5 / COUNT}


def test_a_model_that_does_not_classify_has_no_error(model: VariationalAutoencoder) -> None:
    with pytest.raises(ValueError, match="a VariationalAutoencoder cannot be measured by its error on these images"):
        Classification(images())(subject_of(model))


@pytest.mark.parametrize("at_once", [1, 7, COUNT])
def test_parts_of_a_large_split_make_up_the_whole(
    guesses: Guesses, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By means, since the noise of several parts is another one."""
    whole = [Density(images())(subject_of(guesses)), Classification(images())(subject_of(guesses))]
    seen: list[Any] = []
    guesses.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    monkeypatch.setattr(density, "AT_ONCE", at_once)
    monkeypatch.setattr(classification, "AT_ONCE", at_once)
    parts = [Density(images())(subject_of(guesses, "fld")), Classification(images())(subject_of(guesses))]
    assert parts[1] == whole[1]
    assert parts[0]["kl"] == pytest.approx(whole[0]["kl"], rel=1e-5)
    assert seen == [min(at_once, COUNT - start) for start in range(0, COUNT, at_once)]


def test_which_models_have_which_measure() -> None:
    found = {}
    for name in names(Model):
        with torch.device("meta"):
            model = find(Model, name)().compose(ImageShape(1, 8, 8), CLASSES)
        found[name] = set(measurable(model, CLASSES)) & {"nll", "error"}
        assert "error" not in measurable(model, classes=0)
    assert found["vae"] == found["vae_gan"] == {"nll"}
    assert found["m2"] == found["m2_gan"] == {"nll", "error"}
    assert found["gan"] == set()
    assert all("nll" in measures for name, measures in found.items() if "gan" not in name)
