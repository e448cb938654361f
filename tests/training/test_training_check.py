"""Protects that a file is refused before a sweep is begun where one of its branches cannot be built."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.sweeps import make_spec

from models import GenerativeModel, Objective, Schedule
from sweeper.errors import UsageError
from sweeper.training.check import check_components, check_config, weights_of
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
