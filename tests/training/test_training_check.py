"""Protects that a file is refused before a sweep is begun where one of its branches cannot be built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.sweeps import make_spec

from models import Objective
from sweeper.errors import UsageError
from sweeper.training.check import check_components, check_config, weights_of

DEEP = {"choose": {"fc": {"hidden": 8}, "conv": {"layers": {"int": [1, 4]}}}}


@dataclass(frozen=True)
class ForNobody(Objective):
    """An objective whose player no schedule knows."""

    def losses(self) -> Mapping[str, Any]:
        return {"critic": None}


def test_a_file_that_can_be_built_passes() -> None:
    check_components(make_spec(), None)


def test_an_extreme_that_does_not_fit_the_images_is_refused_with_its_place() -> None:
    with pytest.raises(UsageError, match=r"^<text>:\d+: model: layers is 4, but each convolution halves"):
        check_components(make_spec(backbone=DEEP), None)


def test_a_wrong_value_in_a_branch_is_refused_with_its_place() -> None:
    backbone = {"choose": {"fc": {"hidden": 8}, "conv": {"channels": {"choice": [8, "many"]}}}}
    with pytest.raises(UsageError, match=r'^<text>:\d+: model\.backbone.*channels: found "many"; must be an integer'):
        check_components(make_spec(backbone=backbone), None)


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(UsageError, match=r'sweep\.metric: found "val/nil"; must be one of val/nll; did you mean val/n'):
        check_components(make_spec(metric="val/nil", mode="minimize"), None)


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("training", "batch_size", 98, "training.batch_size: found 98; must be at most 97, the training images"),
        ("objective", "name", f"{__name__}:ForNobody", "objective: has losses for critic; must have them for model"),
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
