"""Protects what the picture commands cannot show: one line says why, and nothing is written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from trained import MODELS, config_of

from sweeper.analysis.configuration import config_text

Refused = Callable[..., str]


CANNOT = [
    ("reconstruct", "gan", [], "a GAN has no encoder"),
    ("interpolate", "gan", ["--from-images"], "a GAN has no encoder"),
    ("complete", "gan", [], "a GAN has no encoder"),
    ("blend", "gan", ["--first", "1", "--second", "2"], "a GAN has no encoder"),
    ("restyle", "gan", [], "a GAN has no encoder"),
    ("scatter", "gan", [], "a GAN has no encoder"),
    ("complete", "m2", [], "the prior of a SemiSupervisedModel is no Gaussian"),
    ("complete", "pixel_vae", [], "a AutoregressiveAutoencoder has no pixels that are independent"),
    ("complete", "completion_cvae", ["--observed", "left"], "must be left out"),
    ("complete", "vae", ["--observed", "tip"], "did you mean top?"),
    ("restyle", "vae", [], "has no condition label"),
    ("sample", "vae", ["--label", "3"], "must be a model with condition label"),
    ("sample", "cvae", ["--label", "10"], "must be a class, 0 to 9"),
    ("sample", "vae", ["-n", "0"], "'-n'"),
    ("reconstruct", "vae", ["-n", "251"], "found -n 251; must be at most 250, the validation images"),
    ("interpolate", "vae", ["--step", "0.3"], "must be 1 divided by a whole number"),
    ("interpolate", "vae", ["--step", "0"], "'--step'"),
    ("blend", "vae", ["--first", "1", "--second", "-1"], "found --second -1; must be a class"),
    ("blend", "vae", ["--first", "1", "--second", "2", "-n", "30"], "the test images of class 1"),
    ("blend", "vae", ["--first", "1", "--second", "2", "--flip", "drak"], "did you mean dark?"),
    ("blend", "vae", ["--first", "1"], "--second"),
    ("blend", "vae", ["--first", "1", "--second", "2", "--weight", "1.5"], "'--weight'"),
    ("scatter", "vae", ["--dimensions", "4"], "'--dimensions'"),
    ("sample", "vae", ["-o", "picture.jpg"], "must end in .png"),
    ("sample", "vae", ["-o", "nowhere/picture.png"], "must be a folder that exists"),
    ("sample", "vae", ["-o", "there.png"], "or --force to replace it"),
]


@pytest.mark.parametrize(("command", "name", "words", "reason"), CANNOT, ids=lambda value: str(value)[:30])
def test_what_cannot_be_shown_is_one_line(
    refused: Refused, gallery: Path, workplace: Path, command: str, name: str, words: list[str], reason: str
) -> None:
    (workplace / "there.png").touch()
    assert reason in refused(command, str(gallery / name), *words)


def test_variance_of_a_model_without_encoder_is_refused(refused: Refused, gallery: Path) -> None:
    assert "a GAN has no encoder" in refused("variance", str(gallery / "gan"))


def test_files_that_hold_no_trained_model_are_refused(refused: Refused, gallery: Path, workplace: Path) -> None:
    text = config_text("small", config_of(MODELS["vae"]), {})
    other = config_text("small", config_of({**MODELS["vae"], "latent_dim": 4}), {})
    for name, content in (("bare.yaml", text), ("damaged.yaml", text), ("other.yaml", other)):
        (workplace / name).write_text(content)
    (workplace / "wrong.yaml").write_text(config_text("small", config_of({"name": "vea"}), {}))
    (workplace / "damaged.safetensors").write_bytes(b"not weights")
    shutil.copyfile(gallery / "vae/best/model.safetensors", workplace / "other.safetensors")
    shutil.copytree(gallery / "vae", workplace / "weightless", ignore=shutil.ignore_patterns("best"))
    assert "no such file" in refused("sample", "nothing.yaml")
    assert "has no config.yaml" in refused("sample", ".")
    assert "weights are missing; must be in bare.safetensors" in refused("sample", "bare.yaml")
    kept = "best/model.safetensors: a sweep keeps those of its best trials, see sweep.checkpoints\n"
    for command in ("sample", "evaluate"):
        assert refused(command, "weightless").endswith(f"weights are missing; must be in weightless/{kept}")
    assert "damaged.safetensors" in refused("sample", "damaged.yaml")
    assert "a checkpoint of another model" in refused("sample", "other.yaml")
    assert "did you mean vae?" in refused("sample", "wrong.yaml")
    assert "sweeper run takes a sweep" in refused("sample", "small.yaml")
