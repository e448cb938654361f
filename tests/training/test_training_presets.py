"""Protects that every preset trains in production: in the real loop, measured, drawn, and resumed to the bit."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import assert_same, measured, run
from support.presets import CLASSES, TINY, described, small_preset

from models import Model, names
from sweeper.training.check import check_config
from sweeper.training.classifier import Recipe
from sweeper.training.classifier_cache import classifier_of
from sweeper.training.components import parse_config
from sweeper.training.job import Evaluation, Job, Precision
from sweeper.training.measures import measurable, quality
from sweeper.training.trial import Trial

EPOCHS, LABELS = 2, 20
MakeConfig = Callable[..., dict[str, Any]]

each = pytest.mark.parametrize("name", names(Model))


@pytest.fixture(autouse=True)
def hasty_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the quality of samples by a classifier that has hardly been trained."""
    monkeypatch.setattr(quality, "classifier_of", lambda images: classifier_of(images, Recipe(steps=10)))


@pytest.fixture
def config_of(make_config: MakeConfig) -> Callable[[str], dict[str, Any]]:
    """Returns a function that makes a preset's configuration, with the objective and the schedule of its own."""

    def make(name: str) -> dict[str, Any]:
        preset, config = small_preset(name), make_config(epochs=EPOCHS)
        del config["objective"]
        config["model"] = described(preset)
        config["training"]["optimizer"]["lr"] = 1e-3
        if preset.objective().labelled:
            config["data"]["labels"] = LABELS
        return config

    return make


def job_of(config: dict[str, Any], folder: Path) -> Job:
    """Return a job that ranks by the first of what is measured of the model."""
    metric = measurable(parse_config(config).model.compose(TINY, CLASSES), CLASSES)[0]
    return Job(0, config, 5, folder, Evaluation(f"val/{metric}", "minimize", Precision(3, 40), Precision(4, 30)))


@each
def test_its_description_reads_back_and_fits(name: str, config_of: Callable[[str], dict[str, Any]]) -> None:
    config = config_of(name)
    found, preset = parse_config(config), small_preset(name)
    assert (found.model, found.objective, found.schedule) == (preset, preset.objective(), preset.schedule())
    check_config(Path("preset.yaml"), config, None)


@each
def test_a_trial_has_finite_metrics_and_goes_on_to_the_bit(
    name: str, config_of: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    whole, killed = (job_of(config_of(name), tmp_path / folder) for folder in ("whole", "killed"))
    results = run(whole, EPOCHS)
    assert results[-1].done
    for result in results:
        assert all(math.isfinite(value) for value in result.metrics.values()), result.metrics
        assert whole.evaluation.metric in result.metrics
        assert any(metric.startswith("train/") for metric in result.metrics)
    assert math.isfinite(results[-1].test[whole.evaluation.metric.replace("val/", "test/")])

    Trial(killed).advance()
    resumed = Trial(killed)
    again = [resumed.advance() for _ in range(EPOCHS)]
    resumed.close()
    assert [measured(result.metrics) for result in again] == [measured(result.metrics) for result in results]
    assert_same(killed.folder, whole.folder)
