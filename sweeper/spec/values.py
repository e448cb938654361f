"""Plain values, the paths that lead to them, and how messages write both."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TypeAlias, TypeGuard

Scalar: TypeAlias = bool | int | float | str | None
Value: TypeAlias = "Scalar | list[Value] | dict[str, Value]"
KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of a file down to a value, the word `choose` included."""

KEY = "[A-Za-z0-9_-]{1,64}"
"""What a key may be, as a regular expression: labels of branches name folders, and paths are dotted."""

CHOOSE = "choose"
DOMAIN_WORDS = ("float", "int", "choice")

_LONGEST_SHOWN = 60


def is_number(value: Value) -> TypeGuard[float]:
    """Whether a value is a number; true and false are none, though Python counts with them."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: Value) -> TypeGuard[int]:
    """Whether a value is written as an integer: neither 3.0 nor true is."""
    return isinstance(value, int) and not isinstance(value, bool)


def dotted(path: KeyPath) -> str:
    """Return a path as people write it, and as parameters are named: without the word `choose`."""
    return ".".join(str(key) for key in path if key != CHOOSE)


def shown(value: Value) -> str:
    """Return a value as messages quote it: as JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def listed(names: Iterable[str]) -> str:
    """Return names as messages list them."""
    return ", ".join(names) or "nothing"


def not_allowed(found: str, allowed: Iterable[str]) -> str:
    """Return the message for a name that is none of those allowed, with the nearest of them if one is near."""
    names = list(allowed)
    near = get_close_matches(found, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"found {shown(found)}; must be one of {listed(names)}{hint}"
