"""What a JSON schema finds wrong, in the words of this package's messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeper.spec.values import KeyPath, listed, not_allowed, shown


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where."""

    path: KeyPath
    message: str


def first_fault(value: Mapping[str, Any], schema: Mapping[str, Any]) -> Fault | None:
    """Return the most telling fault that a schema finds in a value; None where there is none."""
    import jsonschema

    error: Any = jsonschema.exceptions.best_match(jsonschema.Draft7Validator(schema).iter_errors(value))
    return None if error is None else _fault(error)


def _fault(error: Any) -> Fault:
    path, rule, allowed = tuple(error.absolute_path), error.validator, error.validator_value
    if rule == "required":
        missing = next(key for key in allowed if key not in error.instance)
        return Fault((*path, missing), "is missing")
    if rule == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        return Fault((*path, unknown), not_allowed(unknown, known))
    return Fault(path, f"found {shown(error.instance)}; {_wanted(rule, allowed) or str(error.message).splitlines()[0]}")


def _wanted(rule: str, allowed: Any) -> str:
    """Return what a rule allows; nothing for a rule whose own words will do."""
    match rule:
        case "type":
            return f"must be of the type {allowed if isinstance(allowed, str) else listed(allowed)}"
        case "enum":
            return f"must be one of {listed(map(shown, allowed))}"
        case "minimum":
            return f"must be >= {allowed}"
        case _:
            return ""
