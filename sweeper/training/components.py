"""From a concrete configuration to components: the one place where their values are checked.

A component is a frozen dataclass; its annotated fields are the keys that a YAML may set. What a field accepts is read
from its annotation, so that adding a component means writing one class and nothing here.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from annotated_types import Ge
from pydantic import TypeAdapter, ValidationError

from models import Component, Model, Objective, Schedule
from models.registry import find as find_in_models
from models.registry import names as names_in_models
from sweeper.spec.values import listed, not_allowed, shown
from sweeper.training import data
from sweeper.training.annealing import Annealing
from sweeper.training.expectations import allows_none, alternatives, expectation
from sweeper.training.optimizers import OPTIMIZERS, Optimizer

Path = tuple[str, ...]
T = TypeVar("T")

KINDS = (*Component.__subclasses__(), Optimizer)
"""The abstract classes of components; a field so annotated takes a component by its name."""

BROUGHT = ("objective", "schedule")
"""What may stand in the section of the model too, because what fits one branch of it may fit no other."""

OWN_COMPONENT = "package.module:Class"
"""How a component of the user's own is named; for `models` alone."""


class ConfigError(ValueError):
    """A value of a concrete configuration is wrong; ``path`` says which."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{'.'.join(path)}: {message}")
        self.path = path
        self.message = message


@dataclass(frozen=True)
class TrainingSettings:
    """The ``training`` section: how long, in which steps, by which rule."""

    epochs: Annotated[int, Ge(1)]
    batch_size: Annotated[int, Ge(1)]
    optimizer: Optimizer
    schedule: Schedule | None = None
    """Who steps when; None for the schedule that the model comes with."""
    annealing: Annealing = "none"
    """How the learning rate falls in the course of the epochs."""


@dataclass(frozen=True)
class TrialConfig:
    """A whole configuration, checked and made of components."""

    data: data.Dataset
    model: Model
    objective: Objective
    training: TrainingSettings
    schedule: Schedule
    """Who steps when."""


def parse_config(config: Mapping[str, Any]) -> TrialConfig:
    """Return the components of a concrete configuration; raise ConfigError at the first value that is wrong."""
    described, brought = _apart(config["model"])
    model: Model = _component(Model, described, ("model",))
    training: TrainingSettings = _fill(TrainingSettings, config["training"], ("training",))
    objective = _component(Objective, config["objective"], ("objective",)) if "objective" in config else None
    return TrialConfig(
        data=_component(data.Dataset, config["data"], ("data",)),
        model=model,
        objective=_one_of(objective, ("objective",), brought, Objective) or model.objective(),
        training=training,
        schedule=_one_of(training.schedule, ("training", "schedule"), brought, Schedule) or model.schedule(),
    )


def _apart(model: Any) -> tuple[Any, dict[str, Any]]:
    """Return the description of a model without the objective and the schedule that it brings, and those two."""
    if not isinstance(model, Mapping):
        return model, {}
    brought = {key: model[key] for key in BROUGHT if key in model}
    return {key: value for key, value in model.items() if key not in brought}, brought


def _one_of(named: Any, path: Path, brought: Mapping[str, Any], kind: Any) -> Any:
    """Return the component that stands at ``path``, or the one that the model brings; None without either."""
    key = path[-1]
    if key not in brought:
        return named
    if named is not None:
        raise ConfigError(("model", key), f"found beside {'.'.join(path)}; must be in one of the two places")
    return _component(kind, brought[key], ("model", key))


def _component(kind: Any, value: Any, path: Path) -> Any:
    """Return the component of ``kind`` that ``value`` describes: a name, or a mapping with a name and its keys."""
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping):
        raise ConfigError(path, f"found {shown(value)}; must be a name, or a mapping with a name")
    if "name" not in value:
        raise ConfigError((*path, "name"), f"is missing; must be one of {listed(component_names(kind))}")
    name, keys = value["name"], {key: item for key, item in value.items() if key != "name"}
    if not isinstance(name, str):
        raise ConfigError((*path, "name"), f"found {shown(name)}; must be one of {listed(component_names(kind))}")
    try:
        component = find_component(kind, name)
    except ValueError as error:
        raise ConfigError((*path, "name"), _one_line(error)) from error
    return _fill(component, keys, path)


def find_component(kind: Any, name: str) -> type:
    """Return the class of a component by its name; raise ValueError, saying what is allowed, where there is none."""
    if name not in component_names(kind) and not (":" in name and OWN_COMPONENT in component_names(kind)):
        raise ValueError(not_allowed(name, component_names(kind)))
    if kind is data.Dataset:
        return data.find(name)
    return OPTIMIZERS[name] if kind is Optimizer else find_in_models(kind, name)


def component_names(kind: Any) -> tuple[str, ...]:
    """Return the names that a component of a kind may have in a file."""
    if kind is data.Dataset:
        return data.names()
    return tuple(OPTIMIZERS) if kind is Optimizer else (*names_in_models(kind), OWN_COMPONENT)


def _fill(cls: type[T], values: Any, path: Path) -> T:
    """Return ``cls`` made of ``values``, each checked against its field."""
    known = {declared.name: declared for declared in fields(cls) if declared.init}  # type: ignore[arg-type]
    if not isinstance(values, Mapping):
        raise ConfigError(path, f"found {shown(values)}; must be a mapping of {listed(known)}")
    hints = get_type_hints(cls, include_extras=True)
    for key in values:
        if key not in known:
            raise ConfigError((*path, str(key)), not_allowed(str(key), known))
    for key, declared in known.items():
        if key not in values and _required(declared):
            raise ConfigError((*path, key), f"is missing; must be {described(hints[key])}")
    arguments = {key: _value(hints[key], value, (*path, key)) for key, value in values.items()}
    try:
        return cls(**arguments)
    except ValueError as error:
        raise ConfigError(path, _one_line(error)) from error


def _value(hint: Any, value: Any, path: Path) -> Any:
    if value is None and allows_none(hint):
        return None
    for kind in alternatives(hint):
        if kind in KINDS:
            return _component(kind, value, path)
    try:
        # Through JSON, so that a list may become a tuple while 1 stays no boolean and "1" no number.
        return _adapter(hint).validate_json(json.dumps(value, allow_nan=False), strict=True)
    except ValueError as error:
        raise ConfigError(path, _refusal(hint, value, error)) from error


def _refusal(hint: Any, value: Any, error: ValueError) -> str:
    """Return the rule that a value breaks: ours where there are words for it, else pydantic's."""
    if isinstance(value, str) and get_origin(hint) is Literal:
        return not_allowed(value, map(str, get_args(hint)))
    expected = expectation(hint)
    if expected is None and isinstance(error, ValidationError):
        return f"found {shown(value)}; {describe(error)}"
    return f"found {shown(value)}; must be {expected or 'finite'}"


def describe(error: ValidationError) -> str:
    """Return what pydantic expected, as the end of one of our lines."""
    return error.errors()[0]["msg"].replace("Input should", "must")


def described(hint: Any) -> str:
    """Return what a field takes, in words."""
    for kind in alternatives(hint):
        if kind in KINDS:
            return f"one of {listed(component_names(kind))}"
    return expectation(hint) or str(hint)


def _required(declared: Field[Any]) -> bool:
    return declared.default is MISSING and declared.default_factory is MISSING


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)
