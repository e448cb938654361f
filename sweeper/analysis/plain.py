"""Plain data that every reader of JSON and YAML takes."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def strict(value: Any) -> Any:
    """Return plain data as strict JSON can hold it: NaN and infinities become null, times ISO 8601 text."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return value.isoformat()
        case Mapping():
            return {key: strict(item) for key, item in value.items()}
        case list() | tuple():
            return [strict(item) for item in value]
        case _:
            return value
