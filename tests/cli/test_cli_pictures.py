"""Protects what the picture commands show: the right images of the right model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from calling import Sweeper
from PIL import Image
from trained import MODELS, as_bytes, cells

from models import Batch
from sweeper.analysis import read_trial_config
from sweeper.analysis.configuration import config_text
from sweeper.cli.opening import Opened, open_model
from sweeper.cli.source import Source

GREY = 128


def opened(gallery: Path, name: str, seed: int = 0) -> Opened:
    """Open a model as a command does, with the same draws before it."""
    return open_model(Source(gallery / name, None, seed))


@pytest.fixture
def draw(sweeper: Sweeper, gallery: Path, workplace: Path) -> Callable[..., Path]:
    """Call a picture command on a model of the gallery; return the PNG."""

    def call(command: str, name: str, *words: str) -> Path:
        ended = sweeper(command, str(gallery / name), "-o", "picture.png", "--force", *words)
        assert (ended.code, ended.err, ended.out) == (0, "", "picture.png\n"), ended
        return workplace / "picture.png"

    return call


def test_samples_are_the_means_of_draws_from_the_prior(draw: Callable[..., Path], gallery: Path) -> None:
    picture = cells(draw("sample", "vae", "--seed", "3"))
    model = opened(gallery, "vae").model
    expected = model.mean(model.prior(64, torch.Generator().manual_seed(3)))
    assert picture.shape[:2] == (8, 8)
    np.testing.assert_array_equal(picture.reshape(64, 8, 8), as_bytes(expected))


def test_a_seed_means_the_same_picture_and_another_one_another(draw: Callable[..., Path]) -> None:
    first, again, other = (draw("sample", "vae", "-n", "4", "--seed", seed).read_bytes() for seed in ("5", "5", "6"))
    assert first == again != other


@pytest.mark.parametrize(
    ("words", "classes"), [([], list(range(10))), (["--label", "3"], [3]), (["--label", "3", "--label", "8"], [3, 8])]
)
def test_a_model_that_is_told_the_class_samples_the_classes_in_turn(
    draw: Callable[..., Path], gallery: Path, words: list[str], classes: list[int]
) -> None:
    picture = cells(draw("sample", "cvae", "-n", "20", *words))
    model = opened(gallery, "cvae").model
    told = torch.nn.functional.one_hot(torch.tensor([classes[i % len(classes)] for i in range(20)]), 10).float()
    expected = model.mean(model.prior(20, torch.Generator().manual_seed(0), told), told)
    columns = len(classes) if len(classes) > 1 else 8
    assert picture.shape[:2] == (-(-20 // columns), columns)
    np.testing.assert_array_equal(picture.reshape(-1, 8, 8)[:20], as_bytes(expected))


@pytest.mark.parametrize("count", [4, 10, 16])
def test_reconstructions_stand_below_their_images(draw: Callable[..., Path], gallery: Path, count: int) -> None:
    picture = cells(draw("reconstruct", "vae", "-n", str(count)))
    subject = opened(gallery, "vae")
    batch, columns = subject.examples(count), min(count, 8)
    assert picture.shape[:2] == (2 * -(-count // columns), columns)
    np.testing.assert_array_equal(picture[::2].reshape(-1, 8, 8)[:count], as_bytes(batch.x))
    rebuilt = as_bytes(subject.autoencoder.reconstruct(batch))
    np.testing.assert_array_equal(picture[1::2].reshape(-1, 8, 8)[:count], rebuilt)
    assert (picture[-1, count % columns or columns :] == GREY).all()


@pytest.mark.parametrize("name", ["vae", "cvae", "gan"])
@pytest.mark.parametrize("words", [[], ["--spherical"]], ids=["linear", "spherical"])
def test_paths_between_draws_begin_and_end_at_their_pictures(
    draw: Callable[..., Path], gallery: Path, name: str, words: list[str]
) -> None:
    picture = cells(draw("interpolate", name, *words))
    subject = opened(gallery, name)
    context, _ = subject.labelled(6, [])
    z0, z1 = (subject.model.prior(6, subject.generator, context) for _ in range(2))
    assert picture.shape[:2] == (6, 6)
    np.testing.assert_array_equal(picture[0], as_bytes(subject.model.mean(z0, context)))
    np.testing.assert_allclose(picture[-1], as_bytes(subject.model.mean(z1, context)).astype(int), atol=1)
    if not words:
        np.testing.assert_allclose(
            picture[2], as_bytes(subject.model.mean(0.6 * z0 + 0.4 * z1, context)).astype(int), atol=1
        )


@pytest.mark.parametrize("name", ["vae", "cvae", "completion_cvae", "draw"])
def test_paths_between_images_begin_and_end_at_their_reconstructions(
    draw: Callable[..., Path], gallery: Path, name: str
) -> None:
    picture = cells(draw("interpolate", name, "--from-images", "--pairs", "3", "--step", "0.25"))
    subject = opened(gallery, name)
    first, second = subject.examples(6).split(3)
    assert picture.shape[:2] == (5, 3)
    for row, batch in ((picture[0], first), (picture[-1], second)):
        np.testing.assert_allclose(row, as_bytes(subject.autoencoder.reconstruct(batch)).astype(int), atol=1)


PARTS = {"top": np.s_[:4, :], "bottom": np.s_[4:, :], "left": np.s_[:, :4]}


@pytest.mark.parametrize(
    ("name", "part", "words"),
    [
        ("vae", "top", []),
        ("vae", "left", ["--observed", "left"]),
        ("cvae", "bottom", ["--observed", "bottom"]),
        ("completion_cvae", "top", []),
        ("completion_gan", "left", []),
    ],
)
def test_completions_keep_what_is_observed_and_differ_elsewhere(
    draw: Callable[..., Path], gallery: Path, name: str, part: str, words: list[str]
) -> None:
    picture = cells(draw("complete", name, "-n", "3", *words))
    originals, seen, completions = picture[0], picture[1], picture[2:]
    inside = np.zeros((8, 8), dtype=bool)
    inside[PARTS[part]] = True
    assert completions.shape[:2] == (4, 3)
    np.testing.assert_array_equal(originals, as_bytes(opened(gallery, name).examples(3).x))
    np.testing.assert_array_equal(seen, np.where(inside, originals, GREY))
    assert (completions[..., inside] == originals[..., inside]).all()
    assert (completions[0][..., ~inside] != completions[1][..., ~inside]).any()


@pytest.mark.parametrize("flip", [None, "all", "dark"])
def test_a_blend_is_decoded_between_two_classes(draw: Callable[..., Path], gallery: Path, flip: str | None) -> None:
    words = [] if flip is None else ["--flip", flip]
    picture = cells(draw("blend", "vae", "--first", "3", "--second", "8", "--weight", "0.7", "-n", "5", *words))
    subject = opened(gallery, "vae")
    test = subject.restored.images.test
    assert picture.shape[:2] == (3, 5)
    first, second = (torch.from_numpy(row.astype(np.float32) / 255).unsqueeze(1) for row in picture[:2])
    for shown, label in ((first, 3), (second, 8)):  # Binary draws of test images of the class: white only where grey.
        possible = test.images[test.labels == label] > 0
        assert all((possible | (image == 0)).flatten(1).all(1).any() for image in shown)
    z0, z1 = (subject.autoencoder.infer(Batch(images)) for images in (first, second))
    brightness = second.mean((1, 2, 3))
    sign = {None: 1, "all": -1, "dark": torch.where(brightness < brightness.mean(), -1, 1)[:, None]}[flip]
    expected = as_bytes(subject.model.mean(0.7 * z0 + 0.3 * sign * z1))
    np.testing.assert_allclose(picture[2], expected.astype(int), atol=1)


@pytest.mark.parametrize("name", ["cvae", "m2"])
def test_restyling_shows_every_class_of_the_same_code(draw: Callable[..., Path], gallery: Path, name: str) -> None:
    picture = cells(draw("restyle", name, "-n", "4"))
    subject = opened(gallery, name)
    batch = subject.examples(4)
    assert picture.shape[:2] == (4, 11)
    np.testing.assert_array_equal(picture[:, 0], as_bytes(batch.x))
    z = subject.autoencoder.infer(batch)
    for label in range(10):
        told = torch.nn.functional.one_hot(torch.full((4,), label), 10).float()
        np.testing.assert_array_equal(picture[:, 1 + label], as_bytes(subject.autoencoder.mean(z, told)))


@pytest.mark.parametrize("dimensions", ["2", "3"])
def test_a_scatter_has_a_colour_for_each_class(draw: Callable[..., Path], dimensions: str) -> None:
    picture = np.asarray(Image.open(draw("scatter", "vae", "--dimensions", dimensions)).convert("RGB"))
    colours, counts = np.unique(picture.reshape(-1, 3), axis=0, return_counts=True)
    vivid = (np.ptp(colours.astype(int), axis=1) > 60) & (counts > 20)
    assert min(picture.shape[:2]) > 600
    assert vivid.sum() >= 9  # One of the ten of tab10 is grey.


def test_the_axes_of_a_scatter_say_what_they_are(
    draw: Callable[..., Path], gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr("sweeper.cli.latents._figure", lambda *arguments: asked.append(arguments) or b"")
    draw("scatter", "vae", "--dimensions", "3")
    draw("scatter", "vae")
    (whole, labels, names), (flat, _, flat_names) = asked
    codes, classes = opened(gallery, "vae").means()
    assert names == ["latent variable 1 of 3", "latent variable 2 of 3", "latent variable 3 of 3"]
    assert flat_names == ["principal component 1 of 3", "principal component 2 of 3"]
    assert torch.equal(whole, codes)
    assert torch.equal(labels, classes)
    assert flat.shape == (250, 2)


def test_variance_is_that_of_the_means_over_the_validation_images(sweeper: Sweeper, gallery: Path) -> None:
    codes, _ = opened(gallery, "vae").means()
    expected = codes.double().var(0, correction=0).tolist()
    assert len(codes) == 250
    assert json.loads(sweeper("variance", str(gallery / "vae"), "--json").out)["variance"] == pytest.approx(expected)
    lines = sweeper("variance", str(gallery / "vae")).out.splitlines()
    assert [float(line.split()[1]) for line in lines[1:]] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", MODELS)
def test_every_family_draws_samples_and_paths(draw: Callable[..., Path], name: str) -> None:
    assert cells(draw("sample", name, "-n", "2")).any()
    assert cells(draw("interpolate", name, "--pairs", "2")).any()


@pytest.mark.parametrize("name", ["completion_cvae", "m2", "iwae2", "pixel_vae", "draw", "vae_gan"])
def test_every_family_with_an_encoder_shows_what_it_makes_of_images(draw: Callable[..., Path], name: str) -> None:
    assert cells(draw("reconstruct", name, "-n", "2")).any()
    assert cells(draw("interpolate", name, "--pairs", "1", "--from-images")).any()
    assert cells(draw("blend", name, "--first", "0", "--second", "1", "-n", "2")).any()


def test_an_exported_file_and_the_folder_that_it_is_trained_in_show_the_same_as_the_trial(
    sweeper: Sweeper, gallery: Path, workplace: Path
) -> None:
    provenance = {
        "seed": 1,
        "metric": "val/nll",
        "value": 1.0,
        "evaluation": {"every": 1, "images": 50, "k": 2, "final_k": 2, "final_images": 50},
        "threads": 1,
        "versions": {"torch": str(torch.__version__)},
    }
    config = read_trial_config(gallery / "vae/config.yaml")
    (workplace / "best.yaml").write_text(config_text("small", config, provenance))
    shutil.copyfile(gallery / "vae/best/model.safetensors", workplace / "best.safetensors")
    assert sweeper("train", "best.yaml", "-o", "again").code == 0
    pictures = []
    for file in ("best.yaml", "again", str(gallery / "vae")):
        assert sweeper("sample", file, "-n", "8", "--force").out == "samples.png\n"
        pictures.append((workplace / "samples.png").read_bytes())
    assert pictures[0] == pictures[1] == pictures[2]
