"""A template to a configuration: `${name}` stands for the value of that name.

A text that is nothing but `${name}` becomes the value itself, a number or a list; an entry of a mapping whose value is
null in that way is left out. A key with a star, such as `${spot.*}-spot`, is repeated for each entry of the mapping
`spot`; below it `${spot.*}` is the name of the entry and `${spot.*.type}` a value in it. `${up.name}` stays: it is
known only when the cluster goes up, and put in by `with_found`. A variable of the shell is written without braces.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from sweeper.errors import UsageError
from sweeper.spec.values import KeyPath, Value

Refusal: TypeAlias = Callable[[KeyPath, str], UsageError]
"""Makes the error that says what is wrong at a path of the file."""

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_EACH = re.compile(r"\$\{([^}]*)\.\*\}")
_UP = "up."


def render(template: Value, values: Mapping[str, Any], refuse: Refusal, path: KeyPath) -> Value:
    """Return a template, which stands at ``path``, with values put in.

    Raises:
        UsageError: a placeholder names no value.

    """
    return _Template(_names(values, ""), refuse).render(template, path)


def with_found(configuration: Value, found: Mapping[str, str]) -> Value:
    """Return a configuration with what is found when the cluster goes up put in.

    Raises:
        UsageError: something that stands in it was not found.

    """
    names = {f"{_UP}{name}": value for name, value in found.items()}

    def refuse(path: KeyPath, message: str) -> UsageError:
        return UsageError(f"{'.'.join(map(str, path))}: {message}")

    return _Template(names, refuse, keeps="").render(configuration, ())


def _names(values: Mapping[str, Any], before: str) -> dict[str, Any]:
    """Return every value by its dotted name, mappings and what is in them."""
    names: dict[str, Any] = {}
    for key, value in values.items():
        names[before + key] = value
        if isinstance(value, Mapping):
            names |= _names(value, f"{before}{key}.")
    return names


@dataclass(frozen=True)
class _Template:
    names: Mapping[str, Any]
    refuse: Refusal
    keeps: str = _UP
    """How the names of placeholders begin that stay, if not empty."""

    def render(self, template: Value, path: KeyPath) -> Value:
        if isinstance(template, dict):
            return dict(self._entries(template, path))
        if isinstance(template, list):
            return [self.render(item, (*path, index)) for index, item in enumerate(template)]
        return self._text(template, path) if isinstance(template, str) else template

    def _entries(self, template: Mapping[str, Value], path: KeyPath) -> Iterator[tuple[str, Value]]:
        for key, item in template.items():
            each = _EACH.search(key)
            if each:
                yield from self._repeated(key, each[1], item, path)
                continue
            value = self.render(item, (*path, key))
            if value is not None or not _alone(item):
                yield str(self._text(key, path)), value

    def _repeated(self, key: str, name: str, item: Value, path: KeyPath) -> Iterator[tuple[str, Value]]:
        for entry, value in self._value(name, (*path, key)).items():
            own = {f"{name}.*": entry, **_names(value, f"{name}.*.")}
            template = _Template({**self.names, **own}, self.refuse, self.keeps)
            label = str(template._text(key, path))
            yield label, template.render(item, (*path, label))

    def _text(self, text: str, path: KeyPath) -> Value:
        if _alone(text) and not self._stays(text[2:-1]):
            return self._value(text[2:-1], path)  # type: ignore[no-any-return]
        return _PLACEHOLDER.sub(lambda found: self._part(found, path), text)

    def _part(self, found: re.Match[str], path: KeyPath) -> str:
        return found[0] if self._stays(found[1]) else str(self._value(found[1], path))

    def _stays(self, name: str) -> bool:
        return bool(self.keeps) and name.startswith(self.keeps)

    def _value(self, name: str, path: KeyPath) -> Any:
        if name not in self.names:
            near = get_close_matches(name, self.names, n=1)
            hint = f"; did you mean ${{{near[0]}}}?" if near else ""
            raise self.refuse(path, f"found ${{{name}}}; must name a value of this file{hint}")
        return self.names[name]


def _alone(value: Value) -> bool:
    """Return whether a value is one placeholder and nothing else."""
    return isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None
