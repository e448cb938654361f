"""Components and their names: what a sweep file calls ``conv`` is the class ``Convolutional``.

A *kind* (``Backbone``, ``Likelihood``, ...) is an abstract class that derives directly from ``Component``. A component
is a frozen dataclass that derives from a kind; its fields, with their annotations and defaults, are the keys that a
sweep file may set. A name is unique within its kind.
"""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar


class UnknownComponentError(ValueError):
    """No component of the wanted kind has this name; the message lists those that are allowed."""


class Component:
    """Root of every kind of component."""


C = TypeVar("C", bound=Component)

_components: dict[Any, dict[str, Any]] = {}  # kind -> name -> class


def register(name: str) -> Callable[[type[C]], type[C]]:
    """Return a class decorator that names a component within its kind; a name already taken is a ValueError."""

    def add(component: type[C]) -> type[C]:
        kind = next(base for base in component.__mro__ if Component in base.__bases__)
        named = _components.setdefault(kind, {})
        if name in named:
            raise ValueError(f"the {_title(kind)} {name!r} is already {named[name].__qualname__}")
        named[name] = component
        return component

    return add


def names(kind: Callable[..., Component]) -> tuple[str, ...]:
    """Return the names of all components of a kind, in alphabetical order."""
    return tuple(sorted(_components.get(kind, {})))


def find(kind: Callable[..., C], name: str) -> type[C]:
    """Return the class of a component by its name, or by ``package.module:Class`` for one of the user's own.

    ``kind`` is the abstract class (and annotated as a callable because mypy refuses abstract classes as ``type[C]``).
    Raises UnknownComponentError if there is no such class or it does not keep the contract of its kind.
    """
    if ":" in name:
        return _import(kind, name)
    try:
        found: type[C] = _components.get(kind, {})[name]
    except KeyError:
        raise UnknownComponentError(_unknown(kind, name)) from None
    return found


def _unknown(kind: Callable[..., Component], name: str) -> str:
    allowed = names(kind)
    close = get_close_matches(name, allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"unknown {_title(kind)} {name!r}; allowed: {', '.join(allowed)}, or your own as package.module:Class{hint}"


def _import(kind: Callable[..., C], name: str) -> type[C]:
    module_name, _, class_name = name.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError, TypeError) as error:  # the last two: no absolute module name
        raise UnknownComponentError(f"{_title(kind)} {name!r} cannot be imported: {error}") from error
    if not _keeps_contract(found, kind):
        raise UnknownComponentError(
            f"{_title(kind)} {name!r} must be a frozen dataclass that derives from models.{kind.__name__} "
            f"and implements its abstract methods; it is {found!r}"
        )
    return found  # type: ignore[no-any-return]  # a C, as was checked


def _keeps_contract(found: Any, kind: Any) -> bool:
    return (
        inspect.isclass(found)
        and issubclass(found, kind)
        and not inspect.isabstract(found)
        and is_dataclass(found)
        and found.__dataclass_params__.frozen  # type: ignore[attr-defined]  # missing in typeshed
    )


def _title(kind: Callable[..., Component]) -> str:
    return kind.__name__.lower()
