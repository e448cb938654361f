"""What a RayJob must look like, as far as ours goes: a part of KubeRay's own schema, written down from its Go types.

The operator's schema (https://github.com/ray-project/kuberay, ``ray-operator/apis/ray/v1``) is in no package of Python.
What is required here is what this package relies on; what is not named here passes, and is checked by Kubernetes, which
refuses what its schema does not know before anything starts.
"""

from collections.abc import Mapping
from typing import Any

from sweeper.cluster.description import Cluster
from sweeper.cluster.json_schema import first_fault
from sweeper.spec.places import Places

_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
_TEXT = {"type": "string"}
_TEXTS = {"type": "object", "additionalProperties": _TEXT}
_QUANTITIES = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?(m|[kKMGT]i?)?$"}]
    },
}


def _mapping(required: tuple[str, ...], **fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": fields}


_CONTAINER = _mapping(
    ("name", "image"),
    name=_TEXT,
    image={"type": "string", "minLength": 1},
    env={"type": "array", "items": _mapping(("name",), name=_TEXT, value=_TEXT)},
    envFrom={"type": "array", "items": {"type": "object"}},
    resources=_mapping((), requests=_QUANTITIES, limits=_QUANTITIES),
)
_POD = _mapping(
    ("spec",),
    metadata=_mapping((), labels=_TEXTS),
    spec=_mapping(
        ("containers",),
        containers={"type": "array", "minItems": 1, "items": _CONTAINER},
        restartPolicy={"enum": ["Always", "OnFailure", "Never"]},
    ),
)
_WORKERS = _mapping(
    ("groupName", "rayStartParams", "template"),
    groupName=_TEXT,
    replicas=_COUNT,
    minReplicas=_COUNT,
    maxReplicas=_COUNT,
    rayStartParams=_TEXTS,
    template=_POD,
)
_CLUSTER = _mapping(
    ("rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"),
    rayVersion=_TEXT,
    authOptions=_mapping(("mode",), mode={"enum": ["token"]}),
    enableInTreeAutoscaling={"type": "boolean"},
    autoscalerOptions=_mapping((), idleTimeoutSeconds=_COUNT),
    headGroupSpec=_mapping(("rayStartParams", "template"), rayStartParams=_TEXTS, template=_POD),
    workerGroupSpecs={"type": "array", "minItems": 1, "items": _WORKERS},
)
SCHEMA = _mapping(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"enum": ["ray.io/v1"]},
    kind={"enum": ["RayJob"]},
    metadata=_mapping(("name", "namespace", "labels"), name=_TEXT, namespace=_TEXT, labels=_TEXTS),
    spec=_mapping(
        ("shutdownAfterJobFinishes", "rayClusterSpec"),
        shutdownAfterJobFinishes={"enum": [True]},
        ttlSecondsAfterFinished=_COUNT,
        backoffLimit=_COUNT,
        submissionMode={"enum": ["K8sJobMode", "HTTPMode", "InteractiveMode", "SidecarMode"]},
        entrypoint=_TEXT,
        rayClusterSpec=_CLUSTER,
    ),
)
"""As JSON schema."""


def check_kuberay(cluster: Cluster, places: Places) -> None:
    """Check a RayJob: that its cluster goes when it ends, asks for tokens, and has what this package relies on.

    Raises:
        UsageError: something is missing, or is not what KubeRay takes.

    """
    fault = first_fault(cluster.launcher, SCHEMA)
    if fault is not None:
        raise places.error(("launcher", *fault.path), fault.message)
    workers = cluster.values["workers"]
    if workers["min"] > workers["max"]:
        raise places.error(("workers", "min"), f"found {workers['min']}; must be at most max, {workers['max']}")
