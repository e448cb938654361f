"""Protects the border between a configuration and its components: every wrong value is one line with its rule."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Interval, Len, Lt

from models import Model, Schedule
from models.backbones import Convolutional
from models.objectives import ELBO
from models.presets import VAE
from models.schedules import Joint
from sweeper.training.components import ConfigError, TrainingSettings, parse_config
from sweeper.training.data.digits import Digits
from sweeper.training.expectations import expectation
from sweeper.training.optimizers import Adam

ABSENT = object()
OWN = "package.module:Class"
FIELDS = "norm, activation, dropout, hidden, layers"


@dataclass(frozen=True)
class Stacked(VAE):
    """A model of the user's own, with fields that ours have not."""

    sizes: tuple[Annotated[int, Ge(1)], ...] = (1,)
    width: int | None = None
    decay: Schedule | None = field(default=None)
    weights: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.sizes) > 3:
            raise ValueError(f"sizes has {len(self.sizes)} entries;\nmust have at most 3")


def changed(config: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(config)
    *parents, last = path.split(".")
    section = config
    for key in parents:
        section = section[key]
    section[last] = value
    if value is ABSENT:
        del section[last]
    return config


WRONG = [
    ("model.latent_dim", 0, "found 0; must be an integer >= 1"),
    ("model.latent_dim", -3, "found -3; must be an integer >= 1"),
    ("model.latent_dim", 2.0, "found 2.0; must be an integer >= 1"),
    ("model.latent_dim", "2", 'found "2"; must be an integer >= 1'),
    ("model.latent_dim", True, "found true; must be an integer >= 1"),
    ("model.latent_dim", None, "found null; must be an integer >= 1"),
    ("model.latent_dim", [2], "found [2]; must be an integer >= 1"),
    ("model.latent", 2, None),
    ("model", 5, "found 5; must be a name, or a mapping with a name"),
    ("model.backbone", None, "found null; must be a name, or a mapping with a name"),
    ("model.backbone.hiden", 3, f'found "hiden"; must be one of {FIELDS}; did you mean hidden?'),
    ("model.backbone.norm", "batchh", 'found "batchh"; must be one of none, batch; did you mean batch?'),
    ("model.backbone.norm", True, "found true; must be one of none, batch"),
    ("model.backbone.norm", None, "found null; must be one of none, batch"),
    ("model.backbone.dropout", 1, "found 1; must be a number >= 0 and < 1"),
    ("model.backbone.dropout", "half", 'found "half"; must be a number >= 0 and < 1'),
    ("objective.warmup", -1, "found -1; must be a number >= 0"),
    ("training", 3, "found 3; must be a mapping of epochs, batch_size, optimizer, schedule"),
    ("training.epochs", 0, "found 0; must be an integer >= 1"),
    ("training.epochs", ABSENT, "is missing; must be an integer >= 1"),
    ("training.optimizer", ABSENT, "is missing; must be one of adam, rmsprop, sgd"),
    ("training.momentum", 1, 'found "momentum"; must be one of epochs, batch_size, optimizer, schedule'),
    ("training.optimizer.lr", "ten", 'found "ten"; must be a number > 0'),
    ("training.optimizer.lr", 0, "found 0; must be a number > 0"),
    ("training.optimizer.lr", float("inf"), "found Infinity; must be a number > 0"),
    ("training.optimizer.lr", float("nan"), "found NaN; must be a number > 0"),
    ("training.optimizer.beta1", 1.0, "found 1.0; must be a number >= 0 and < 1"),
    ("training.optimizer.name", "adma", 'found "adma"; must be one of adam, rmsprop, sgd; did you mean adam?'),
    ("training.optimizer.name", ABSENT, "is missing; must be one of adam, rmsprop, sgd"),
    ("data.validation", 1547, "found 1547; must be an integer >= 1 and <= 1546"),
    ("data.valid", 3, 'found "valid"; must be one of validation; did you mean validation?'),
    ("data.name", 4, "found 4; must be one of digits, mnist, fashion_mnist, binarized_mnist"),
    (
        "data.name",
        "mnits",
        'found "mnits"; must be one of digits, mnist, fashion_mnist, binarized_mnist; did you mean mnist?',
    ),
    ("data.name", "my.own:Data", 'found "my.own:Data"; must be one of digits, mnist, fashion_mnist, binarized_mnist'),
    ("model.name", "no_such.module:Class", "model 'no_such.module:Class' cannot be imported"),
    ("model.name", "json:loads", "model 'json:loads' must be a frozen dataclass that derives from models.Model"),
    (
        "model.likelihood",
        {"name": "bernoulli", "binarization": "dynamik"},
        'found "dynamik"; must be one of dynamic, static, none; did you mean dynamic?',
    ),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_a_wrong_value_is_told_with_its_path_and_its_rule(
    make_config: Callable[..., dict[str, Any]], path: str, value: Any, message: str | None
) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config(changed(make_config(), path, value))
    found = str(raised.value)
    assert ".".join(raised.value.path).startswith(path)
    assert found == f"{'.'.join(raised.value.path)}: {raised.value.message}"
    assert raised.value.message.startswith(message or "found")
    assert "\n" not in found


def test_an_unknown_component_is_told_with_the_nearest(make_config: Callable[..., dict[str, Any]]) -> None:
    for path, value, near in (("model.name", "vea", "vae"), ("model.backbone", "convv", "conv")):
        with pytest.raises(ConfigError) as raised:
            parse_config(changed(make_config(), path, value))
        assert raised.value.message.startswith(f'found "{value}"; must be one of ')
        assert raised.value.message.endswith(f", {OWN}; did you mean {near}?")
        assert raised.value.path[-1] == "name"


STACKED = f"{Stacked.__module__}:Stacked"
STACKED_WRONG = [
    ("sizes", [1, 0], "found [1, 0]; must be a list of integers >= 1"),
    ("sizes", 3, "found 3; must be a list of integers >= 1"),
    ("sizes", [1, 2, 3, 4], "sizes has 4 entries; must have at most 3"),
    ("width", "x", 'found "x"; must be an integer or null'),
    ("decay", 3, "found 3; must be a name, or a mapping with a name"),
    ("weights", {"a": "b"}, 'found {"a": "b"}; must be a valid integer'),
]


@pytest.mark.parametrize(("key", "value", "message"), STACKED_WRONG)
def test_fields_of_the_users_own_component(
    make_config: Callable[..., dict[str, Any]], key: str, value: Any, message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config({**make_config(), "model": {"name": STACKED, key: value}})
    assert raised.value.message == message


def test_a_component_of_the_users_own_is_found_and_null_is_none(make_config: Callable[..., dict[str, Any]]) -> None:
    model = {"name": STACKED, "sizes": [1, 2], "width": None, "decay": None}
    found: Model = parse_config({**make_config(), "model": model}).model
    assert (found.sizes, found.width, found.decay) == ((1, 2), None, None)  # type: ignore[attr-defined]


def test_a_configuration_becomes_its_components() -> None:
    found = parse_config(
        {
            "data": "digits",
            "model": {"name": "vae", "latent_dim": 3, "backbone": {"name": "conv", "channels": 4, "dropout": 0}},
            "objective": {"name": "elbo", "beta": 2},
            "training": {"epochs": 2, "batch_size": 8, "optimizer": "adam", "schedule": "joint"},
        }
    )
    assert found.data == Digits()
    assert found.model == VAE(latent_dim=3, backbone=Convolutional(channels=4))
    assert found.objective == ELBO(beta=2.0)
    assert found.training == TrainingSettings(2, 8, Adam(), Joint())


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "an integer"),
        (bool, "true or false"),
        (str | None, "text or null"),
        (Literal["auto"] | int, "auto or an integer"),
        (Literal["a", 1], "one of a, 1"),
        (Annotated[int, "a remark", Interval(ge=1, lt=5)], "an integer >= 1 and < 5"),
        (Annotated[float, Ge(0), Lt(1)] | None, "a number >= 0 and < 1 or null"),
        (tuple[int, int], "a list of 2 integers"),
        (Annotated[list[float], Len(1, 3)], "a list of numbers at least 1 long and at most 3 long"),
        (dict[str, int], None),
        (tuple[int, str], None),
    ],
)
def test_annotations_in_words(hint: Any, words: str | None) -> None:
    assert expectation(hint) == words
