"""The section `sweep` to its settings: names for mappings, and what pydantic finds wrong as one line with its place."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from sweeper.spec.algorithms import (
    ASHAStopping,
    GridSearch,
    MedianStopping,
    NoStopping,
    QMCSearch,
    RandomSearch,
    TPESearch,
)
from sweeper.spec.grammar import refuse_domains
from sweeper.spec.places import Places
from sweeper.spec.resources import ArmResources, Resources
from sweeper.spec.settings import Budget, Checkpoints, Evaluation, Failures, Finals, SweepSettings
from sweeper.spec.values import KeyPath, Value, listed, not_allowed, shown

Model = TypeVar("Model", bound=BaseModel)
Parser: TypeAlias = Callable[[Value, KeyPath, Places], object]


def parse_settings(value: Value, places: Places) -> SweepSettings:
    """Return the settings that the section `sweep` describes.

    Raises:
        UsageError: an unknown key, a value that its field does not allow, or fields that contradict each other.

    """
    path = ("sweep",)
    refuse_domains(value, path, places, "sweep")
    return _validated(SweepSettings, value, path, places)


def _validated(model: type[Model], value: Value, path: KeyPath, places: Places) -> Model:
    if not isinstance(value, dict):
        raise places.error(path, f"found {shown(value)}; must be a mapping of {listed(model.model_fields)}")
    for key in value:
        if key not in model.model_fields:
            raise places.error((*path, key), not_allowed(key, model.model_fields))
    parsers = _PARSERS.get(model, {})
    fields = {key: parsers[key](item, (*path, key), places) if key in parsers else item for key, item in value.items()}
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise places.error(*_explained(model, value, path, first)) from None


def _explained(
    model: type[BaseModel], value: Mapping[str, Value], path: KeyPath, error: Mapping[str, Any]
) -> tuple[KeyPath, str]:
    """Return path and message of one of pydantic's errors: of a rule between fields, or of one field."""
    if not error["loc"]:
        field, message = error["ctx"]["field"], error["ctx"]["message"]
        return (path if field is None else (*path, *field.split("."))), message
    key = str(error["loc"][0])
    return (*path, key), f"found {shown(value[key])}; must be {model.model_fields[key].description}"


def _section(model: type[BaseModel]) -> Parser:
    return lambda value, path, places: _validated(model, value, path, places)


def _optional(model: type[BaseModel]) -> Parser:
    return lambda value, path, places: None if value in (None, "none") else _validated(model, value, path, places)


def _one_of(*models: type[BaseModel]) -> Parser:
    """Return the parser of a mapping whose name says which model it is, the first if it has none; a name will do."""
    named = {str(model.model_fields["name"].default): model for model in models}

    def parse(value: Value, path: KeyPath, places: Places) -> BaseModel:
        fields: Value = {"name": value} if isinstance(value, str) else value
        if not isinstance(fields, dict):
            raise places.error(path, f"found {shown(value)}; must be one of {listed(named)}, or a mapping with a name")
        name = fields.get("name", next(iter(named)))
        if not isinstance(name, str) or name not in named:
            raise places.error((*path, "name"), not_allowed(str(name), named))
        return _validated(named[name], fields, path, places)

    return parse


def _by_arm(value: Value, path: KeyPath, places: Places) -> object:
    """Return what is said of each arm. Whether there are such arms is seen where these are known."""
    if not isinstance(value, dict):
        return value
    return {arm: _validated(ArmResources, item, (*path, arm), places) for arm, item in value.items()}


_PARSERS: dict[type[BaseModel], dict[str, Parser]] = {
    SweepSettings: {
        "budget": _optional(Budget),
        "search": _one_of(TPESearch, RandomSearch, GridSearch, QMCSearch),
        "stopping": _one_of(ASHAStopping, MedianStopping, NoStopping),
        "finals": _optional(Finals),
        "evaluation": _section(Evaluation),
        "checkpoints": _section(Checkpoints),
        "failures": _section(Failures),
        "resources": _section(Resources),
    },
    Resources: {"arms": _by_arm},
}
