"""The values of a cluster's file to a frozen section, with what pydantic finds wrong as one line."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from sweeper.errors import UsageError
from sweeper.spec.places import Places
from sweeper.spec.section import Section
from sweeper.spec.values import Value, listed, not_allowed, shown

Model = TypeVar("Model", bound=Section)


def validated(model: type[Model], values: Mapping[str, Value], places: Places) -> Model:
    """Return the section that values describe; they stand at the top of their file.

    Raises:
        UsageError: an unknown key, a missing one, a value that its field does not allow.

    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _explained(model, error.errors(include_url=False)[0], places) from None


def _explained(model: type[BaseModel], error: Mapping[str, Any], places: Places) -> UsageError:
    path = tuple(error["loc"])
    siblings, field = _field(model, path)
    if error["type"] == "extra_forbidden":
        return places.error(path, not_allowed(str(path[-1]), siblings))
    if error["type"] == "missing":
        return places.error(path, f"is missing; must be {_allowed(field)}")
    return places.error(path, f"found {shown(error['input'])}; must be {_allowed(field)}")


def _field(model: type[BaseModel], path: tuple[str | int, ...]) -> tuple[list[str], FieldInfo | None]:
    """Return the names that may stand where a path ends, and the field that is nearest to it."""
    fields, field = _fields(model), None
    for key in path:
        if key in fields:  # If not, it is the name of an entry, which is free, or an unknown key.
            field = fields[str(key)]
            inner = _inner(field.annotation)
            fields = _fields(inner) if inner else fields
    return list(fields), field


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model under the names that people write."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _inner(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field holds, or that each entry of its mapping is."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _inner(part))), None)


def _allowed(field: FieldInfo | None) -> str:
    if field is None:
        return "a mapping"
    if field.description:
        return field.description
    inner = _inner(field.annotation)
    return f"a mapping of {listed(_fields(inner))}" if inner else "a value of another kind"
