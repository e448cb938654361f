"""From a concrete configuration to components: the one place where their values are checked.

A component is a frozen dataclass; its annotated fields are the keys that a YAML may set. What a field accepts is read
from its annotation, so that adding a component means writing one class and nothing here.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, TypeVar, get_type_hints

from annotated_types import Ge
from pydantic import TypeAdapter, ValidationError

from models import Backbone, Likelihood, Model, Objective, Schedule
from models.registry import find as find_in_models
from models.schedules import Joint
from sweeper.training import data
from sweeper.training.optimizers import OPTIMIZERS, Optimizer

Path = tuple[str, ...]
T = TypeVar("T")

KINDS = (Model, Backbone, Likelihood, Objective, Schedule)
"""The abstract classes of components that live in `models`; a field so annotated takes a component by its name."""


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
    schedule: Schedule = field(default_factory=Joint)


@dataclass(frozen=True)
class TrialConfig:
    """A whole configuration, checked and made of components."""

    data: data.Dataset
    model: Model
    objective: Objective
    training: TrainingSettings


def parse_config(config: Mapping[str, Any]) -> TrialConfig:
    """Return the components of a concrete configuration; raise ConfigError at the first value that is wrong."""
    return TrialConfig(
        data=_component(data.Dataset, config["data"], ("data",)),
        model=_component(Model, config["model"], ("model",)),
        objective=_component(Objective, config["objective"], ("objective",)),
        training=_fill(TrainingSettings, config["training"], ("training",)),
    )


def _component(kind: Any, value: Any, path: Path) -> Any:
    """Return the component of ``kind`` that ``value`` describes: a name, or a mapping with a name and its keys."""
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise ConfigError(path, f"found {value!r}; must be a name or a mapping with a 'name'")
    try:
        cls = _find(kind, value["name"])
    except ValueError as error:
        raise ConfigError((*path, "name"), str(error)) from error
    return _fill(cls, {key: item for key, item in value.items() if key != "name"}, path)


def _find(kind: Any, name: str) -> type:
    if kind is data.Dataset:
        return data.find(name)
    if kind is Optimizer:
        if name not in OPTIMIZERS:
            raise ValueError(f"found {name!r}; {_allowed(name, OPTIMIZERS)}")
        return OPTIMIZERS[name]
    return find_in_models(kind, name)


def _fill(cls: type[T], values: Mapping[str, Any], path: Path) -> T:
    """Return ``cls`` made of ``values``, each checked against its field."""
    known = {declared.name: declared for declared in fields(cls) if declared.init}  # type: ignore[arg-type]
    hints = get_type_hints(cls, include_extras=True)
    for key in values:
        if key not in known:
            raise ConfigError((*path, key), f"unknown key; {_allowed(key, known)}")
    for key, declared in known.items():
        if key not in values and _required(declared):
            raise ConfigError(path, f"needs {key!r}")
    arguments = {key: _value(hints[key], value, (*path, key)) for key, value in values.items()}
    try:
        return cls(**arguments)
    except ValueError as error:
        raise ConfigError(path, str(error)) from error


def _value(hint: Any, value: Any, path: Path) -> Any:
    if hint is Optimizer or hint in KINDS:
        return _component(hint, value, path)
    try:
        # Through JSON, so that a list may become a tuple while 1 stays no boolean and "1" no number.
        return _adapter(hint).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise ConfigError(path, f"found {value!r}; {describe(error)}") from error


def describe(error: ValidationError) -> str:
    """Return what pydantic expected, as the end of one of our lines."""
    message = error.errors()[0]["msg"]
    return message[0].lower() + message[1:].replace("Input should", "must") if message else "is not allowed"


def _required(declared: Field[Any]) -> bool:
    return declared.default is MISSING and declared.default_factory is MISSING


def _allowed(key: str, known: Mapping[str, Any]) -> str:
    close = get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}allowed: {', '.join(known) or 'nothing'}"


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)
