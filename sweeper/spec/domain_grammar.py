"""The grammar of a domain: a mapping with the key `float`, `int` or `choice`."""

from collections.abc import Callable
from typing import TypeVar

from sweeper.spec.domains import ChoiceDomain, Domain, FloatDomain, IntDomain
from sweeper.spec.places import Places
from sweeper.spec.values import DOMAIN_WORDS, KeyPath, Scalar, Value, is_integer, is_number, not_allowed, shown

Number = TypeVar("Number", bound=float)

_RANGE_KEYS = ("log", "step")


def is_domain(value: dict[str, Value]) -> bool:
    """Whether a mapping is meant as a domain."""
    return any(word in value for word in DOMAIN_WORDS)


def parse_domain(value: dict[str, Value], path: KeyPath, places: Places) -> Domain:
    """Return the domain that a mapping describes.

    Raises:
        UsageError: a key that does not belong to the domain, or a rule of the domain is broken.

    """
    word = next(word for word in DOMAIN_WORDS if word in value)
    allowed = (word,) if word == "choice" else (word, *_RANGE_KEYS)
    for key in value:
        if key not in allowed:
            raise places.error((*path, key), not_allowed(key, allowed))
    try:
        return _PARSERS[word](value)
    except ValueError as error:
        raise places.error(path, str(error)) from None


def _float(value: dict[str, Value]) -> FloatDomain:
    low, high = _ends("float", value["float"], _as_float, "two numbers")
    step = _step(value["step"], _as_float, "a number") if "step" in value else None
    return FloatDomain(low, high, _log(value), step)


def _int(value: dict[str, Value]) -> IntDomain:
    low, high = _ends("int", value["int"], _as_int, "two integers")
    return IntDomain(low, high, _log(value), _step(value.get("step", 1), _as_int, "an integer"))


def _choice(value: dict[str, Value]) -> ChoiceDomain:
    options = value["choice"]
    if not isinstance(options, list):
        raise ValueError(f"found choice: {shown(options)}; must be a list of options")
    return ChoiceDomain(tuple(_option(option) for option in options))


_PARSERS: dict[str, Callable[[dict[str, Value]], Domain]] = {"float": _float, "int": _int, "choice": _choice}


def _option(value: Value) -> Scalar:
    if isinstance(value, list | dict):
        raise ValueError(f"found the option {shown(value)}; must be a single value (mappings stand in a choose)")
    return value


def _ends(word: str, value: Value, read: Callable[[Value], Number | None], kind: str) -> tuple[Number, Number]:
    if isinstance(value, list) and len(value) == 2:
        low, high = (read(end) for end in value)
        if low is not None and high is not None:
            return low, high
    raise ValueError(f"found {word}: {shown(value)}; must be [low, high], {kind}")


def _step(value: Value, read: Callable[[Value], Number | None], kind: str) -> Number:
    step = read(value)
    if step is None:
        raise ValueError(f"found step: {shown(value)}; must be {kind}")
    return step


def _as_float(value: Value) -> float | None:
    return float(value) if is_number(value) else None


def _as_int(value: Value) -> int | None:
    return value if is_integer(value) else None


def _log(value: dict[str, Value]) -> bool:
    log = value.get("log", False)
    if not isinstance(log, bool):
        raise ValueError(f"found log: {shown(log)}; must be true or false")
    return log
