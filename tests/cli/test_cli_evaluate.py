"""Protects `sweeper evaluate`: the numbers of the sweep itself, the cross-check beside them, and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from calling import Sweeper
from trained import FC, MODELS, build, train

from models import annealed_importance_sampling, importance_weighted_bound
from sweeper.analysis import read_trial_config
from sweeper.cli.opening import open_model
from sweeper.cli.source import Source
from sweeper.training.appraisal import subject_of
from sweeper.training.components import parse_config
from sweeper.training.job import Precision
from sweeper.training.keys import key_of
from sweeper.training.measures import RANKED, measurable

GREY = {"name": "vae", "latent_dim": 3, "likelihood": "discretized_logistic", "backbone": FC}
SMALL = ("--images", "50", "--k", "2")
AIS = ("--ais", "--ais-images", "3", "--ais-steps", "5", "--ais-chains", "4")
Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of models by name, of which the VAE is trained."""
    folder = tmp_path_factory.mktemp("shelf")
    train(folder / "vae", MODELS["vae"])
    for name in ("m2", "gan"):
        build(folder / name, MODELS[name])
    build(folder / "grey", GREY)
    return folder


@pytest.fixture
def evaluate(sweeper: Sweeper, shelf: Path) -> Evaluate:
    """Call the command on a model of the shelf; return what it writes for scripts."""

    def call(name: str, *words: str) -> dict[str, Any]:
        ended = sweeper("evaluate", str(shelf / name), "--json", *words)
        assert (ended.code, ended.err) == (0, ""), ended
        return json.loads(ended.out)

    return call


def recorded(shelf: Path) -> dict[str, float]:
    """Return the metrics of the epoch whose weights were kept."""
    lines = [json.loads(line) for line in (shelf / "vae/metrics.jsonl").read_text().splitlines()]
    return min((line["metrics"] for line in lines), key=lambda metrics: metrics["val/nll"])


def test_it_measures_to_the_bit_what_the_trial_did(evaluate: Evaluate, shelf: Path) -> None:
    """The trial of the shelf has measured the first 50 validation images with two samples."""
    metrics = recorded(shelf)
    found = evaluate("vae", *SMALL)
    assert (found["split"], found["images"]) == ("validation", 50)
    for name in ("nll", "reconstruction", "kl", "active_units"):
        assert found["measures"][name]["value"] == metrics[f"val/{name}"]


@pytest.mark.parametrize("name", ["vae", "m2", "gan"])
def test_every_measure_that_applies_is_there_with_its_key(evaluate: Evaluate, shelf: Path, name: str) -> None:
    found = evaluate(name, *SMALL)["measures"]
    opened = open_model(Source(shelf / name, None, 0))
    expected = set(measurable(opened.model, opened.restored.images.classes))
    assert expected == found.keys() & set(RANKED)
    dataset = parse_config(read_trial_config(shelf / name / "config.yaml")).data
    for measure, described in found.items():
        key = key_of(measure, "val/", dataset, opened.model, Precision(2, 50)).to_json() if measure in RANKED else None
        assert described["key"] == key


def test_test_images_are_measured_where_they_are_asked_for(evaluate: Evaluate, shelf: Path) -> None:
    found = evaluate("vae", "--split", "test", *SMALL)
    opened = open_model(Source(shelf / "vae", None, 0))
    subject = subject_of(opened.model, opened.restored.images, "test", Precision(2, 50))
    bound = importance_weighted_bound(opened.autoencoder, subject.batch, 2, subject.noise())
    assert found["measures"]["nll"]["value"] == -bound.mean().item()
    assert found["measures"]["nll"]["key"]["images"] == "test, the first 50"


def test_latent_variables_are_listed(evaluate: Evaluate) -> None:
    vae, m2, gan = (evaluate(name, *SMALL) for name in ("vae", "m2", "gan"))
    assert list(vae["latents"]) == ["1", "2", "3"]
    assert list(m2["latents"]) == ["class", "1", "2", "3"]
    assert gan["latents"] == {}
    for found in (vae, m2):
        latents = found["latents"].values()
        assert sum(latent["kl"] for latent in latents) == pytest.approx(found["measures"]["kl"]["value"], rel=1e-4)
        assert sum(latent["active"] or 0 for latent in latents) == found["measures"]["active_units"]["value"]
    assert m2["latents"]["class"] == {"kl": m2["latents"]["class"]["kl"], "variance": None, "active": None}


def test_a_density_of_grey_levels_is_told_in_bits_as_well(evaluate: Evaluate) -> None:
    assert "bits_per_dim" in evaluate("grey", *SMALL)["measures"]
    assert "bits_per_dim" not in evaluate("vae", *SMALL)["measures"]


def test_annealing_stands_beside_the_bound_of_the_same_images(evaluate: Evaluate, shelf: Path) -> None:
    found = evaluate("vae", *SMALL, *AIS, "--seed", "4")["ais"]
    opened = open_model(Source(shelf / "vae", None, 4))
    subject = subject_of(opened.model, opened.restored.images, "validation", Precision(2, 50))
    (first, *_) = subject.batch.split(3)
    generator = torch.Generator().manual_seed(4)
    annealed = annealed_importance_sampling(opened.autoencoder, first, 5, 4, generator)
    assert found == {
        "images": 3,
        "nll_ais": -annealed.log_evidence.mean().item(),
        "standard_error": pytest.approx(annealed.standard_error.square().sum().sqrt().item() / 3),
        "nll": -importance_weighted_bound(opened.autoencoder, first, 2, subject.noise()).mean().item(),
        "acceptance": annealed.acceptance.mean().item(),
    }


def test_a_seed_decides_on_annealing_alone(evaluate: Evaluate) -> None:
    first, again, other = (evaluate("vae", *SMALL, *AIS, "--seed", seed) for seed in ("1", "1", "2"))
    assert first == again
    assert first["measures"] == other["measures"]
    assert first["ais"]["nll"] == other["ais"]["nll"]
    assert first["ais"]["nll_ais"] != other["ais"]["nll_ais"]


def test_the_tables_say_the_same(sweeper: Sweeper, evaluate: Evaluate, shelf: Path) -> None:
    found = evaluate("m2", *SMALL, *AIS)
    ended = sweeper("evaluate", str(shelf / "m2"), *SMALL, *AIS)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    measures, latents, check = (
        next(number for number, line in enumerate(lines) if line.startswith(heading))
        for heading in ("validation, 50 images", "latent variable", "of the first 3 images")
    )
    for name, line in zip(found["measures"], lines[measures + 1 : latents], strict=True):
        assert line.split()[0] == name
        assert float(line.split()[1]) == pytest.approx(found["measures"][name]["value"], rel=1e-3, abs=1e-3)
    assert "binarization dynamic; likelihood bernoulli; estimator importance-weighted bound; k 2" in lines[measures + 1]
    assert [line.split()[0] for line in lines[latents + 1 : check]] == ["class", "1", "2", "3"]
    for name, line in zip(("nll_ais", "nll"), lines[check + 1 :], strict=True):
        assert line.split()[:2] == [name, f"{found['ais'][name]:.3f}"]


CANNOT = [
    ("gan", ["--ais"], "a GAN has no density"),
    ("vae", ["--images", "251"], "found --images 251; must be at most 250, the validation images"),
    ("vae", ["--split", "test", "--images", "251"], "must be at most 250, the test images"),
    ("vae", ["--split", "train"], "'--split'"),
    ("vae", ["--k", "0"], "'--k'"),
    ("vae", ["--images", "0"], "'--images'"),
    ("vae", ["--ais", "--ais-chains", "1"], "'--ais-chains'"),
    ("vae", ["--ais", "--ais-steps", "0"], "'--ais-steps'"),
    ("nothing", [], "no such file"),
]


@pytest.mark.parametrize(("name", "words", "reason"), CANNOT, ids=lambda value: str(value)[:30])
def test_what_cannot_be_measured_is_one_line(
    refused: Callable[..., str], shelf: Path, name: str, words: list[str], reason: str
) -> None:
    assert reason in refused("evaluate", str(shelf / name), *words)
