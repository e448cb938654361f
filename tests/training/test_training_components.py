"""Protects the border between a configuration and its components: every wrong value is one line with its rule."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Interval, Len, Lt

from models import Model, Objective, Schedule, names
from models.backbones import Convolutional
from models.objectives import ELBO, IWAE
from models.presets import VAE
from models.schedules import Joint
from sweeper.training import data
from sweeper.training.components import ConfigError, TrainingSettings, parse_config
from sweeper.training.data.digits import Digits
from sweeper.training.expectations import expectation
from sweeper.training.optimizers import Adam

ABSENT = object()
DATA_SETS = ", ".join(data.names())
OBJECTIVES = ", ".join(names(Objective))
TRAINING = "epochs, batch_size, optimizer, schedule, annealing"
OWN = "package.module:Class"
FIELDS = "norm, activation, dropout, hidden, layers"


@dataclass(frozen=True)
class Stacked(VAE):
    """A model of the user's own, with fields that ours have not."""

    sizes: tuple[Annotated[int, Ge(1)], ...] = (1,)
    width: int | None = None
    decay: Schedule | None = field(default=None)
    weights: dict[str, int] = field(default_factory=dict)

    def objective(self) -> IWAE:
        return IWAE(k=7)

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
    ("model.backbone.norm", "batchh", 'found "batchh"; must be one of none, batch, layer; did you mean batch?'),
    ("model.backbone.norm", True, "found true; must be one of none, batch, layer"),
    ("model.backbone.norm", None, "found null; must be one of none, batch, layer"),
    ("model.backbone.dropout", 1, "found 1; must be a number >= 0 and < 1"),
    ("model.backbone.dropout", "half", 'found "half"; must be a number >= 0 and < 1'),
    ("objective.warmup", -1, "found -1; must be a number >= 0"),
    ("training", 3, f"found 3; must be a mapping of {TRAINING}"),
    ("training.epochs", 0, "found 0; must be an integer >= 1"),
    ("training.epochs", ABSENT, "is missing; must be an integer >= 1"),
    ("training.optimizer", ABSENT, "is missing; must be one of adam, rmsprop, sgd"),
    ("training.momentum", 1, f'found "momentum"; must be one of {TRAINING}'),
    ("training.annealing", "cosin", 'found "cosin"; must be one of none, linear, cosine, iwae; did you mean cosine?'),
    ("training.schedule", "jiont", f'found "jiont"; must be one of {", ".join(names(Schedule))}, {OWN}; did you mean'),
    ("training.optimizer.lr", "ten", 'found "ten"; must be a number > 0'),
    ("training.optimizer.lr", 0, "found 0; must be a number > 0"),
    ("training.optimizer.lr", float("inf"), "found Infinity; must be a number > 0"),
    ("training.optimizer.lr", float("nan"), "found NaN; must be a number > 0"),
    ("training.optimizer.beta1", 1.0, "found 1.0; must be a number >= 0 and < 1"),
    ("training.optimizer.name", "adma", 'found "adma"; must be one of adam, rmsprop, sgd; did you mean adam?'),
    ("training.optimizer.name", ABSENT, "is missing; must be one of adam, rmsprop, sgd"),
    ("data.validation", 1547, "found 1547; must be an integer >= 1 and <= 1546"),
    ("data.valid", 3, 'found "valid"; must be one of validation, labels; did you mean validation?'),
    ("data.name", 4, f"found 4; must be one of {DATA_SETS}"),
    ("data.name", "mnits", f'found "mnits"; must be one of {DATA_SETS}; did you mean mnist?'),
    ("data.name", "my.own:Data", f'found "my.own:Data"; must be one of {DATA_SETS}'),
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
            "training": {
                "epochs": 2,
                "batch_size": 8,
                "optimizer": "adam",
                "schedule": "joint",
                "annealing": "cosine",
            },
        }
    )
    assert found.data == Digits()
    assert found.model == VAE(latent_dim=3, backbone=Convolutional(channels=4))
    assert found.objective == ELBO(beta=2.0)
    assert found.training == TrainingSettings(2, 8, Adam(), Joint(), "cosine")
    assert found.schedule == Joint()


def test_a_model_comes_with_an_objective_and_a_schedule(make_config: Callable[..., dict[str, Any]]) -> None:
    own = changed({**make_config(), "model": STACKED}, "objective", ABSENT)
    assert (parse_config(own).objective, parse_config(own).schedule) == (IWAE(k=7), Joint())
    assert parse_config({**own, "objective": "elbo"}).objective == ELBO()
    assert parse_config(changed(make_config(), "objective", ABSENT)).objective == ELBO()


def test_a_branch_of_the_model_may_bring_its_own(make_config: Callable[..., dict[str, Any]]) -> None:
    config = changed(make_config(), "objective", ABSENT)
    config = changed(changed(config, "model.objective", {"name": "iwae", "k": 3}), "model.schedule", "joint")
    found = parse_config(config)
    assert (found.objective, found.schedule) == (IWAE(k=3), Joint())
    assert found.model == parse_config(make_config()).model


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("model.objective", "iwae", "model.objective: found beside objective; must be in one of the two places"),
        (
            "model.schedule",
            "joint",
            "model.schedule: found beside training.schedule; must be in one of the two places",
        ),
        ("model.objective", {"name": "iwea"}, f'model.objective.name: found "iwea"; must be one of {OBJECTIVES}'),
    ],
)
def test_what_a_branch_brings_stands_in_one_place(
    make_config: Callable[..., dict[str, Any]], path: str, value: Any, message: str
) -> None:
    config = changed(changed(make_config(), "training.schedule", "joint"), path, value)
    if isinstance(value, dict):
        config = changed(config, "objective", ABSENT)
    with pytest.raises(ConfigError) as raised:
        parse_config(config)
    assert str(raised.value).startswith(message)


def test_hidden_layers_may_be_listed(make_config: Callable[..., dict[str, Any]]) -> None:
    assert parse_config(make_config(backbone={"hidden": [16, 4]})).model.backbone.hidden == (16, 4)
    for value in ([16, 0], "many", [[4]]):
        with pytest.raises(ConfigError, match="must be an integer >= 1 or a list of integers >= 1"):
            parse_config(make_config(backbone={"hidden": value}))


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
