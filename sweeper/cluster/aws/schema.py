"""What AWS refuses for its form, found without asking AWS: botocore brings AWS's own description of its requests."""

from collections.abc import Iterable, Mapping
from typing import Any

from sweeper.cluster.aws.client import knowledge
from sweeper.cluster.description import Cluster
from sweeper.cluster.ray_schema import check_launcher
from sweeper.cluster.ssh_key import check_key
from sweeper.spec.places import Places
from sweeper.spec.values import not_allowed, shown

_NODES = ("launcher", "available_node_types")


def check_aws(cluster: Cluster, places: Places) -> None:
    """Check region, instance types, limits, Ray's schema, and AWS's for the machines of each node type.

    Raises:
        UsageError: one of them is wrong.

    """
    _check_region(cluster.values["region"], places)
    check_key(cluster.values, places, with_public=True)
    for path, type_ in _types(cluster.values):
        _check_type(path, type_, places)
    for path, group in _groups(cluster.values):
        if group["min"] > group["max"]:
            raise places.error((*path, "min"), f"found {group['min']}; must be at most max, {group['max']}")
    _check_sum(cluster.values, places)
    check_launcher(cluster.launcher, places)
    for name, node in cluster.launcher["available_node_types"].items():
        _check_request((*_NODES, name, "node_config"), node["node_config"], places)


def _groups(values: Mapping[str, Any]) -> Iterable[tuple[tuple[str, str], Mapping[str, Any]]]:
    return (((market, name), group) for market in ("spot", "on_demand") for name, group in values[market].items())


def _types(values: Mapping[str, Any]) -> Iterable[tuple[tuple[str, ...], str]]:
    yield ("head", "type"), values["head"]["type"]
    yield from (((*path, "type"), group["type"]) for path, group in _groups(values))


def _check_sum(values: Mapping[str, Any], places: Places) -> None:
    least, most = sum(group["min"] for _, group in _groups(values)), values["workers"]["max"]
    if least > most:
        raise places.error(("workers", "max"), f"found {most}; must be at least {least}, the sum of all `min`")


def _check_region(region: str, places: Places) -> None:
    known = knowledge()
    partitions = known.get_available_partitions()
    regions = [name for partition in partitions for name in known.get_available_regions("ec2", partition)]
    if region not in regions:
        raise places.error(("region",), not_allowed(region, regions))


def _check_type(path: tuple[str, ...], type_: str, places: Places) -> None:
    known = _ec2().shape_for("InstanceType").enum
    if type_ not in known:
        family = [other for other in known if other.split(".")[0] == type_.split(".")[0]]
        message = not_allowed(type_, family) if family else f"found {shown(type_)}; must be a type of EC2 instance"
        raise places.error(path, message)


def _check_request(path: tuple[str, ...], node: Mapping[str, Any], places: Places) -> None:
    """Check the request that Ray will make for a machine: what stands in the file, and how many."""
    from botocore.validate import ParamValidator

    request = {"MinCount": 1, "MaxCount": 1} | {key: value for key, value in node.items() if key != "SubnetIds"}
    report = ParamValidator().validate(request, _ec2().operation_model("RunInstances").input_shape)
    if report.has_errors():
        raise places.error(path, report.generate_report().splitlines()[0])


def _ec2() -> Any:
    return knowledge().get_service_model("ec2")
