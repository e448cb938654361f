"""Overrides: `path=value` from the command line, put into a document before it is parsed."""

import re
from collections.abc import Iterable

from sweeper.masking import mask
from sweeper.spec.composing import DEEPEST
from sweeper.spec.grammar import COMPONENTS
from sweeper.spec.places import located
from sweeper.spec.reading import Document, read_override
from sweeper.spec.values import CHOOSE, KEY, Value, shown

_OVERRIDE = re.compile(rf"(?P<path>{KEY}(\.{KEY}){{0,{DEEPEST - 1}}})=(?P<value>.*)", re.DOTALL)
_SHORTHANDS = {*((section,) for section in COMPONENTS), ("sweep", "search"), ("sweep", "stopping")}

Keys = tuple[str, ...]


def override(document: Document, overrides: Iterable[str]) -> Document:
    """Return a document with overrides applied, the later over the earlier.

    A path is dotted and may leave out the word `choose`; a value is YAML and may be a domain or a whole mapping.
    Mappings that do not exist are created, and a bare name is expanded where it stands for `{name: ...}`.

    Raises:
        UsageError: an override is not `path=value`, or its path leads through something that is no mapping.

    """
    for text in overrides:
        document = _overridden(document, text)
    return document


def _overridden(document: Document, text: str) -> Document:
    place = f"--set {mask(text)}"
    match = _OVERRIDE.fullmatch(text)
    if not match or not match["value"].strip():
        raise located(place, (), "must be path=value, such as sweep.trials=100; the value null unsets")
    new = read_override(match["value"], place)
    path = _spelled_out(document.value, match["path"].split("."))
    return Document(_put(document.value, path, new.value, (), place), document.places.replaced(path, new.places))


def _spelled_out(value: Value, names: Iterable[str]) -> Keys:
    """Return the keys that names mean: a `choose` left out is put in where the next name is one of its labels."""
    path: Keys = ()
    for name in names:
        branches = value.get(CHOOSE) if isinstance(value, dict) and name not in value else None
        if isinstance(branches, dict) and name in branches:
            path, value = (*path, CHOOSE), branches
        path, value = (*path, name), value.get(name) if isinstance(value, dict) else None
    return path


def _put(value: Value, path: Keys, new: Value, done: Keys, place: str) -> Value:
    if not path:
        return new
    mapping = _mapping(value, done, place)
    key = path[0]
    return mapping | {key: _put(mapping.get(key), path[1:], new, (*done, key), place)}


def _mapping(value: Value, path: Keys, place: str) -> dict[str, Value]:
    if isinstance(value, str) and path in _SHORTHANDS:
        return {"name": value}
    if value is not None and not isinstance(value, dict):
        raise located(place, path, f"found {shown(value)} on the way; must be a mapping")
    return value or {}
