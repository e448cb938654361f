"""Protects that a file is refused before a sweep is begun where one of its branches cannot be built."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.sweeps import make_spec

from models import GenerativeModel, Objective, Schedule
from sweeper.errors import UsageError
from sweeper.spec import parse_spec
from sweeper.training.check import check_components, check_config, ranking_keys, weights_of
from sweeper.training.evaluation import METRICS

DEEP = {"choose": {"fc": {"hidden": 8}, "conv": {"layers": {"int": [1, 4]}}}}


@dataclass(frozen=True)
class ForNobody(Objective):
    """An objective whose player no model has."""

    def losses(self) -> Mapping[str, Any]:
        return {"critic": None}


class Adversarial(GenerativeModel):
    """A model that is none of ours."""


@dataclass(frozen=True)
class ForAnother(Objective):
    """An objective of another kind of models."""

    fits = Adversarial

    def losses(self) -> Mapping[str, Any]:
        return {"model": None}


@dataclass(frozen=True)
class Duel(Schedule):
    """A schedule of two."""

    def turn(self, _: Any, /) -> tuple[str, ...]:
        return ("critic", "generator")

    def check(self, players: Collection[str]) -> None:
        if len(players) != 2:
            raise ValueError(f"is a duel of two; the model has {len(players)} player")


def test_a_file_that_can_be_built_passes() -> None:
    check_components(make_spec(), None)


def test_an_extreme_that_does_not_fit_the_images_is_refused_with_its_place() -> None:
    with pytest.raises(UsageError, match=r"^<text>:\d+: model: layers is 4, but each halves the image"):
        check_components(make_spec(backbone=DEEP), None)


def test_a_wrong_value_in_a_branch_is_refused_with_its_place() -> None:
    backbone = {"choose": {"fc": {"hidden": 8}, "conv": {"channels": {"choice": [8, "many"]}}}}
    with pytest.raises(UsageError, match=r'^<text>:\d+: model\.backbone.*channels: found "many"; must be an integer'):
        check_components(make_spec(backbone=backbone), None)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(UsageError) as raised:
        check_components(make_spec(metric="val/nil", mode="minimize"), None)
    allowed = ", ".join(METRICS)
    assert str(raised.value).endswith(f'sweep.metric: found "val/nil"; must be one of {allowed}; did you mean val/nll?')
    assert {"val/nll", "val/error"} <= set(METRICS)


def test_a_metric_that_is_not_measured_for_a_model_is_refused_and_told_what_is() -> None:
    with pytest.raises(UsageError) as raised:
        check_components(make_spec(metric="val/error", mode="minimize"), None)
    place, _, measured = str(raised.value).partition("has no val/error; a VariationalAutoencoder is measured by ")
    assert re.fullmatch(r"<text>:\d+: model: ", place)
    assert "val/nll" in measured.split(", ")
    assert "val/error" not in measured.split(", ")


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        ("val/kl", "which is least where a model ignores its latent variables; rank by val/nll"),
        (
            "val/reconstruction",
            "which is least where a model codes every pixel, whatever the code costs; rank by val/nll",
        ),
    ],
)
def test_a_part_of_the_bound_is_refused_with_the_reason(metric: str, why: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_components(make_spec(metric=metric, mode="minimize"), None)
    assert str(raised.value).endswith(f'sweep.metric: found "{metric}", {why}')


OBJECTIVES = {
    "k": {"name": "iwae", "k": {"choice": [1, 50]}},
    "beta": {"name": "elbo", "beta": {"float": [0.1, 10]}},
    "divergence": {"choose": {"kl": {"name": "elbo"}, "js": {"name": "jensen_shannon"}}},
}


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_what_is_trained_by_may_differ_where_what_is_ranked_by_does_not(objective: dict[str, Any]) -> None:
    text = make_spec().to_yaml().replace("objective: {name: elbo}", f"objective: {json.dumps(objective)}")
    spec = parse_spec(text)
    assert spec.tree["objective"] != {"name": "elbo"}
    check_components(spec, None)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_a_training_loss_is_refused_with_what_it_differs_in(objective: dict[str, Any]) -> None:
    text = make_spec(metric="train/loss").to_yaml()
    with pytest.raises(UsageError, match=r"by a loss that differs in objective.*; rank by val/nll") as raised:
        check_components(
            parse_spec(text.replace("objective: {name: elbo}", f"objective: {json.dumps(objective)}")), None
        )
    assert 'found "train/loss", which is measured on the images that a trial is fitted to' in str(raised.value)


def test_the_keys_of_a_space_are_those_that_its_trials_will_have() -> None:
    spec = make_spec(evaluation={"k": 7, "images": 30, "final_k": 9, "every": 1})
    found = ranking_keys(spec, None)
    assert (found["val/nll"].k, found["val/nll"].images) == ("7", "val, the first 30")
    assert (found["test/nll"].k, found["test/nll"].images) == ("9", "test, all")


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("training", "batch_size", 98, "training.batch_size: found 98; must be at most 97, the training images"),
        (
            "objective",
            "name",
            f"{__name__}:ForNobody",
            "objective: has losses for critic; the players of the model are model",
        ),
        (
            "objective",
            "name",
            f"{__name__}:ForAnother",
            "objective: is an objective of a Adversarial; this model is a VariationalAutoencoder",
        ),
        (
            "training",
            "schedule",
            f"{__name__}:Duel",
            "training.schedule: is a duel of two; the model has 1 player",
        ),
        (
            "model",
            "schedule",
            f"{__name__}:Duel",
            "model.schedule: is a duel of two; the model has 1 player",
        ),
        ("training", "epochs", 0, "training.epochs: found 0; must be an integer >= 1"),
    ],
)
def test_one_configuration_is_refused_with_its_file(
    make_config: Callable[..., dict[str, Any]], section: str, key: str, value: Any, message: str
) -> None:
    config = make_config()
    config[section] = {**config[section], key: value}
    with pytest.raises(UsageError) as raised:
        check_config(Path("best.yaml"), config, None)
    assert str(raised.value) == f"best.yaml: {message}"


def test_weights_are_counted_without_memory_for_them(make_config: Callable[..., dict[str, Any]]) -> None:
    encoder, decoder = 64 * 8 + 8 + 8 * 4 + 4, 2 * 8 + 8 + 8 * 64 + 64
    assert weights_of(make_config(), None) == encoder + decoder
    assert weights_of(make_config(backbone={"hidden": 10**7}), None) > 10**9
