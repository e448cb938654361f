"""What differs between two specifications, or two configurations, value by value."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeGuard

from sweeper.spec.values import DOMAIN_WORDS, KeyPath, Value, dotted, shown


@dataclass(frozen=True)
class Difference:
    """A value that differs; what is not there counts as null."""

    path: KeyPath
    before: Value
    after: Value


@dataclass(frozen=True)
class Change:
    """A change of a sweep's specification after the sweep had begun."""

    path: str
    before: Value
    """``None`` for what was not there."""
    after: Value
    """``None`` for what was taken away."""
    when: str
    """Local time, in ISO 8601."""
    begun: int
    """How many trials had begun by then."""

    @classmethod
    def of(cls, difference: Difference, when: datetime, begun: int) -> Self:
        """Return a difference between two specifications as the change that it is from now on."""
        moment = when.isoformat(timespec="seconds")
        return cls(dotted(difference.path), difference.before, difference.after, moment, begun)

    def to_json(self) -> dict[str, Value]:
        """Return the change as plain data."""
        return {"when": self.when, "path": self.path, "from": self.before, "to": self.after, "begun": self.begun}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """Return the change that `to_json` described.

        Raises KeyError where something is missing.
        """
        return cls(plain["path"], plain["from"], plain["to"], plain["when"], plain["begun"])

    def __str__(self) -> str:
        return f"{self.path}: {in_words(self.before)} -> {in_words(self.after)}"


def differences(before: Mapping[str, Value], after: Mapping[str, Value], at: KeyPath = ()) -> Iterator[Difference]:
    """Yield the innermost values that differ, in the order of ``before``; a domain is one value.

    1 differs from 1.0 and from true, since a trial's folder is named after its configuration as it is written.
    """
    for key in {**before, **after}:
        old, new = before.get(key), after.get(key)
        if _is_inner(old) and _is_inner(new):
            yield from differences(old, new, (*at, key))
        elif (key in before) != (key in after) or _written(old) != _written(new):
            yield Difference((*at, key), old, new)


def in_words(value: Value) -> str:
    """Return a value as messages quote it, where nothing may be one."""
    return "nothing" if value is None else shown(value)


def _is_inner(value: Value) -> TypeGuard[dict[str, Value]]:
    return isinstance(value, dict) and not any(word in value for word in DOMAIN_WORDS)


def _written(value: Value) -> str:
    return json.dumps(value, sort_keys=True)
