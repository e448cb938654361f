"""JSON that every parser reads and that shows its own damage.

JSON has no NaN and no infinity, so those are written as text: "NaN", "Infinity" and "-Infinity", as pydantic and
protobuf write them. ``float`` reads them back, so that a reader which converts its numbers needs no case for them.

What is sealed has a checksum as its last key. A text that was cut, altered or put together from two is then never
taken for what was written.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any
from zlib import crc32

_SEALED = re.compile(rb'(.+), "crc32": "([0-9a-f]{8})"\}', re.DOTALL)


def dumps(content: Mapping[str, Any]) -> str:
    """Return ``content`` as one line of strict JSON."""
    return json.dumps(_strict(content), allow_nan=False)


def floats(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as they were before `dumps`."""
    return {name: float(value) for name, value in metrics.items()}


def seal(text: str) -> str:
    """Return a JSON object, which must not be empty, with one key more: the CRC-32 of the text before that key."""
    body = text.removesuffix("}")
    return f'{body}, "crc32": "{checksum(body.encode())}"}}'


def unseal(text: bytes) -> dict[str, Any]:
    """Return the JSON object that was sealed, without its checksum; raise ValueError for any other text."""
    found = _SEALED.fullmatch(text)
    if found is None:
        raise ValueError("it has no checksum")
    body, stated = found.groups()
    if checksum(body) != stated.decode():
        raise ValueError("its checksum is that of another text")
    try:
        content = json.loads(body + b"}")
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError(f"found a {type(content).__name__}; must be an object")
    return content


def checksum(text: bytes, before: str = "0") -> str:
    """Return the CRC-32 of ``text`` in eight digits; ``before`` is that of what comes before it, if anything does."""
    return f"{crc32(text, int(before, 16)):08x}"


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
