"""JSON that every parser reads: it has no NaN and no infinity, so those are written as text.

The texts are "NaN", "Infinity" and "-Infinity", as pydantic and protobuf write them. ``float`` reads them back, so
that a reader which converts its numbers needs no case for them; `sweeper.tracking.curve` is one.
"""

import json
import math
from collections.abc import Mapping
from typing import Any


def dumps(content: Mapping[str, Any]) -> str:
    """Return ``content`` as one line of strict JSON."""
    return json.dumps(_strict(content), allow_nan=False)


def floats(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return metrics as they were before `dumps`."""
    return {name: float(value) for name, value in metrics.items()}


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
