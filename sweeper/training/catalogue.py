"""What a file may name: the components of every kind, and what may be set of each, read from the classes themselves."""

from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from typing import Any, get_type_hints

import torch

from models import ImageShape, Model
from sweeper.errors import UsageError
from sweeper.spec.values import Value, listed, not_allowed, shown
from sweeper.training import data
from sweeper.training.components import KINDS, OWN_COMPONENT, component_names, described, find_component
from sweeper.training.expectations import allows_none

SHAPES = (ImageShape(1, 8, 8), ImageShape(1, 32, 32), ImageShape(3, 64, 64))
"""Images to compose a model for, to see its players: the first that it can be composed for."""
CLASSES = 10


@dataclass(frozen=True)
class Parameter:
    """A key that a file may set."""

    name: str
    allowed: str
    """What it may be, in words."""
    default: Value


@dataclass(frozen=True)
class Entry:
    """A component."""

    kind: str
    name: str
    summary: str
    """The first line of its description: of a model, the architecture and the paper."""
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True)
class Playing:
    """How a model is trained where a file says nothing else."""

    players: tuple[str, ...]
    objective: Value
    schedule: Value


def kinds() -> dict[str, Any]:
    """Return the kinds of components by name, that of models first."""
    every: tuple[Any, ...] = KINDS
    rest = {kind.__name__.lower(): kind for kind in every if kind is not Model}
    return {"model": Model, **dict(sorted(rest.items())), "data": data.Dataset}


def entries(kind: str) -> tuple[Entry, ...]:
    """Return all components of a kind, in the order of their names."""
    return tuple(entry(kind, name) for name in sorted(_names(kinds()[kind])))


def entry(kind: str, name: str) -> Entry:
    """Return one component."""
    found = find_component(kinds()[kind], name)
    summary = (found.__doc__ or "").strip().partition("\n")[0]
    return Entry(kind, name, summary, tuple(_parameters(found)))


def look_up(name: str) -> Entry:
    """Return the component that is meant by ``conv`` or ``backbone.conv``, by a name alone a model before all others.

    Raises UsageError where there is none, or several of different kinds.
    """
    every = {f"{kind}.{known}": (kind, known) for kind, found in kinds().items() for known in _names(found)}
    places = [place for place, (kind, known) in every.items() if name in (place, known)]
    if not places:
        of_its_kind = [place for place in every if place.partition(".")[0] == name.partition(".")[0]]
        raise UsageError(not_allowed(name, of_its_kind or (*_names(Model), *kinds())))
    if len(places) > 1 and every[places[0]][0] != "model":
        raise UsageError(f"found {shown(name)}; must be one of {listed(places)}")
    return entry(*every[places[0]])


def playing(name: str) -> Playing:
    """Return how the model of a name is trained."""
    model: Model = find_component(Model, name)()
    return Playing(_players(model), _plain(model.objective()), _plain(model.schedule()))


def _players(model: Model) -> tuple[str, ...]:
    for shape in SHAPES:
        try:
            with torch.device("meta"):
                return tuple(model.compose(shape, CLASSES).players())
        except ValueError:  # Images too small for it.
            continue
    return ()


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(name for name in component_names(kind) if name != OWN_COMPONENT)


def _parameters(component: Any) -> list[Parameter]:
    hints = get_type_hints(component, include_extras=True)
    return [
        Parameter(declared.name, _allowed(hints[declared.name]), _plain(_default(declared)))
        for declared in fields(component)
        if declared.init
    ]


def _allowed(hint: Any) -> str:
    allowed, null = described(hint), " or null"
    return allowed if not allows_none(hint) or allowed.endswith(null) else allowed + null


def _default(declared: Field[Any]) -> Any:
    return declared.default if declared.default_factory is MISSING else declared.default_factory()


def _plain(value: Any) -> Value:
    """Return a value as a file would have it: a component by its name, beside what differs from its own defaults."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if not is_dataclass(value):
        plain: Value = value
        return plain
    changed = {
        declared.name: _plain(getattr(value, declared.name))
        for declared in fields(value)
        if getattr(value, declared.name) != _default(declared)
    }
    name = name_of(type(value))
    return {"name": name, **changed} if changed else name


def name_of(component: type) -> str:
    """Return the name of a component, or as what one of a user's own is named."""
    for kind in kinds().values():
        for name in _names(kind):
            if find_component(kind, name) is component:
                return name
    return f"{component.__module__}:{component.__qualname__}"
