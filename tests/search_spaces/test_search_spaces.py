"""Protects `search_spaces/`: every file is valid, fits its data set, and trains at both ends of every arm."""

import math
from pathlib import Path

import pytest

from sweeper.search import allow
from sweeper.spec import Resolved, Spec, parse_spec, read_spec
from sweeper.training.check import check_components
from sweeper.training.job import Job, search_evaluation
from sweeper.training.trial import Trial

FILES = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))

TINY = ("training.epochs=1", "sweep.evaluation={every: 1, images: 16, k: 2}")

STAND_INS = {
    "stl10": ("data={name: synthetic, channels: 3, height: 64, width: 64, train: 128, validation: 32, test: 32}",)
}


def arms_of(file: Path) -> list[tuple[Path, str]]:
    return [(file, arm) for arm in read_spec(file).arms]


ARMS = [pair for file in FILES for pair in arms_of(file)]

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
each_arm = pytest.mark.parametrize(("file", "arm"), ARMS, ids=[f"{file.stem}-{arm}" for file, arm in ARMS])


def tried(file: Path, *overrides: str) -> Spec:
    """Read a file, with images of the same shape in place of a data set that takes gigabytes to download."""
    name = read_spec(file).tree["data"]["name"]
    return read_spec(file, (*STAND_INS.get(name, ()), *overrides))


def ends(spec: Spec, arm: str) -> tuple[Resolved, Resolved]:
    """Return the first and the last corner of an arm's space."""
    corners = list(spec.space(arm).corners())
    return corners[0], corners[-1]


def test_there_are_files() -> None:
    """One for each question that the seeds ask."""
    questions = {
        "conv_vs_fc latent_dim iwae_k likelihood divergence batch_norm conditional completion semi_supervised draw",
        "pixel_vae gan_schedule gan_zoo vae_gan cvae_gan semi_supervised_gan draw_gan residual_stl10",
        "are_gans_created_equal wasserstein",
    }
    assert {file.stem for file in FILES} == {name for line in questions for name in line.split()}


@each_file
def test_a_file_asks_a_question_and_is_named_as_its_sweep(file: Path) -> None:
    spec = read_spec(file)
    assert (spec.question or "").endswith("?")
    assert spec.name.replace("-", "_") == file.stem


@each_file
def test_a_file_reads_back_as_the_same_sweep(file: Path) -> None:
    spec = read_spec(file)
    assert parse_spec(spec.to_yaml()).digest == spec.digest


@each_file
def test_every_branch_can_be_built_and_the_arms_share_equally(file: Path) -> None:
    spec = tried(file)
    check_components(spec, None)
    assert allow(spec, workers=1).trials != 0


@each_arm
def test_an_arm_trains_at_both_ends_of_its_space(file: Path, arm: str, tmp_path: Path) -> None:
    spec = tried(file, *TINY)
    for number, corner in enumerate(ends(spec, arm)):
        job = Job(number, dict(corner.config), 0, tmp_path / str(number), search_evaluation(spec.settings))
        trial = Trial(job)
        result = trial.advance()
        trial.close()
        assert result.done
        assert math.isfinite(result.metrics[spec.settings.metric])
        assert (job.folder / "samples.png").is_file()
