"""What Ray's own launcher refuses, found before anything starts."""

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from sweeper.cluster.json_schema import first_fault
from sweeper.spec.places import Places

_PLACE = "launcher"
_NEEDED = ("provider", "available_node_types", "head_node_type", "max_workers")


def check_launcher(launcher: Mapping[str, Any], places: Places) -> None:
    """Check a configuration for ``ray up`` by Ray's schema, and then as Ray does, which fills in defaults first.

    Raises:
        UsageError: Ray would not take it.

    """
    from ray import autoscaler
    from ray.autoscaler._private.util import prepare_config, validate_config

    for key in _NEEDED:
        if key not in launcher:
            raise places.error((_PLACE, key), "is missing; Ray's launcher needs it")
    schema = json.loads((Path(autoscaler.__file__).parent / "ray-schema.json").read_text())
    fault = first_fault(launcher, schema)
    if fault is not None:
        raise places.error((_PLACE, *fault.path), fault.message)
    try:
        validate_config(prepare_config(deepcopy(dict(launcher))))
    except (ValueError, TypeError, LookupError, RuntimeError) as error:
        raise places.error((_PLACE,), f"Ray's launcher refuses it: {str(error).splitlines()[0]}") from None
