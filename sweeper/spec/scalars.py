"""What the text of one YAML scalar means: YAML 1.1 without its traps.

`1e-4` is a number here. What YAML 1.1 takes for something that people rarely mean (`no` for false, `010` for eight,
`1:30` for ninety) is refused rather than guessed.
"""

import math
import re

from sweeper.spec.values import Scalar

NUMBER_WITH_EXPONENT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+\Z")

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NULLS = {"", "~", "null", "Null", "NULL"}
_MOST_DIGITS = 18  # every such integer fits into 64 bits


def scalar(kind: str, text: str) -> Scalar:
    """Return the value of a scalar of a YAML kind: null, bool, int or float; all else is text.

    Raises:
        ValueError: the text is not of that kind, or means something else to most people.

    """
    match kind:
        case "null" if text not in _NULLS:
            raise ValueError(f"found {text}; must be null")
        case "null":
            return None
        case "bool":
            return _boolean(text)
        case "int":
            return _integer(text)
        case "float":
            return _real(text)
        case _:
            return _text(text)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(f"found {text}, which YAML takes for a boolean; write '{text}' in quotes or true/false")
    return text.lower() == "true"


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"found {text}; must be a decimal integer without leading zeros, or '{text}' in quotes")
    if len(text.lstrip("+-")) > _MOST_DIGITS:
        raise ValueError(f"found an integer of {len(text)} digits; must have at most {_MOST_DIGITS}")
    return int(text)


def _real(text: str) -> float:
    value = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"found {text}; must be a finite decimal number")
    return value


def _text(text: str) -> str:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("found half of a surrogate pair; must be valid Unicode")
    return text
