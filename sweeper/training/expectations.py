"""What an annotation allows, in the words of our error messages: ``Annotated[int, Ge(1)]`` is "an integer >= 1"."""

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Gt, Le, Lt, MaxLen, MinLen, MultipleOf

from sweeper.spec.values import shown

_KINDS = {
    int: ("an integer", "integers"),
    float: ("a number", "numbers"),
    bool: ("true or false", "true or false"),
    str: ("text", "texts"),
    NoneType: ("null", "nulls"),
}
"""One, and several, of the values that a file is made of."""


def expectation(hint: Any) -> str | None:
    """Return what a value must be, ``None`` for an annotation that there are no words for."""
    if get_origin(hint) is Literal:
        options = [option if isinstance(option, str) else shown(option) for option in get_args(hint)]
        return options[0] if len(options) == 1 else f"one of {', '.join(options)}"
    if get_origin(hint) in (Union, UnionType):
        parts = [expectation(arg) for arg in get_args(hint)]
        return None if None in parts else " or ".join(map(str, parts))
    base, bounds = _parted(hint)
    if base in _KINDS:
        return f"{_KINDS[base][0]}{bounds}"
    return _of_sequence(base, bounds)


def allows_none(hint: Any) -> bool:
    """Say whether null is one of the values that an annotation allows."""
    return hint is NoneType or NoneType in alternatives(hint)


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Return the annotations of a union, or the one annotation that is none."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _parted(hint: Any) -> tuple[Any, str]:
    """Return an annotation without its bounds, and the bounds in words."""
    if get_origin(hint) is not Annotated:
        return hint, ""
    base, *metadata = get_args(hint)
    rules = [rule for item in metadata for rule in (item if isinstance(item, GroupedMetadata) else (item,))]
    return base, _joined([_bound(rule) for rule in rules if isinstance(rule, BaseMetadata)])


def _of_sequence(hint: Any, length: str) -> str | None:
    """Return what a list in a file must be; a tuple of fixed length is a list of so many."""
    arguments = get_args(hint)
    if get_origin(hint) not in (list, tuple, Sequence) or not arguments:
        return None
    same = len(set(arguments) - {Ellipsis}) == 1
    base, bounds = _parted(arguments[0])
    if not same or base not in _KINDS:
        return None
    count = f"{len(arguments)} " if get_origin(hint) is tuple and Ellipsis not in arguments else ""
    return f"a list of {count}{_KINDS[base][1]}{bounds}{length}"


def _bound(rule: BaseMetadata) -> str:
    match rule:
        case Ge(ge=bound):
            return f">= {bound}"
        case Gt(gt=bound):
            return f"> {bound}"
        case Le(le=bound):
            return f"<= {bound}"
        case Lt(lt=bound):
            return f"< {bound}"
        case MultipleOf(multiple_of=step):
            return f"a multiple of {step}"
        case MinLen(min_length=least):
            return f"at least {least} long"
        case MaxLen(max_length=most):
            return f"at most {most} long"
        case _:
            return str(rule)


def _joined(bounds: list[str]) -> str:
    return f" {' and '.join(bounds)}" if bounds else ""
