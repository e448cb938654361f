"""The machines of a cluster as EC2 lists them, found by tag."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from sweeper.cluster.aws.client import TAG, client, telling
from sweeper.cluster.description import Cluster

Market: TypeAlias = Literal["spot", "on-demand"]

ALIVE = ("pending", "running", "shutting-down", "stopping", "stopped")
"""States of a machine that still exists; a stopped one costs, for its disk."""

_ROLE, _GROUP = "ray-node-type", "ray-user-node-type"
"""Ray's tags."""
_MOMENT = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) GMT\)")


@dataclass(frozen=True)
class Instance:
    """A machine.

    Attributes:
        id: of EC2.
        role: head or worker.
        group: node type in the launcher's configuration.
        type: of instance, such as g6.xlarge.
        market: what it is paid as.
        state: as EC2 calls it.
        address: to log in to; None where it has none, or none any more.
        launched: when.
        ended: when, as far as EC2 says so.

    """

    id: str
    role: str
    group: str
    type: str
    market: Market
    state: str
    address: str | None
    launched: datetime
    ended: datetime | None


def instances(cluster: Cluster, *, ended: bool = False) -> list[Instance]:
    """Return the machines of a cluster, the oldest first; ``ended`` adds those that EC2 remembers, for about an hour.

    Raises:
        AwsError: AWS does not say.

    """
    filters = [{"Name": f"tag:{TAG}", "Values": [cluster.name]}]
    if not ended:
        filters.append({"Name": "instance-state-name", "Values": list(ALIVE)})
    with telling("listing the machines"):
        pages = client("ec2", cluster.values["region"]).get_paginator("describe_instances").paginate(Filters=filters)
        private = bool(cluster.launcher["provider"].get("use_internal_ips"))
        return sorted((_instance(found, private) for found in _found(pages)), key=lambda instance: instance.launched)


def terminate(cluster: Cluster, ids: Sequence[str]) -> None:
    """End machines, and wait until they have ended.

    Raises:
        AwsError: AWS refuses, or takes longer than ten minutes.

    """
    if not ids:
        return
    ec2 = client("ec2", cluster.values["region"])
    with telling(f"ending {', '.join(ids)}"):
        ec2.terminate_instances(InstanceIds=list(ids))
        ec2.get_waiter("instance_terminated").wait(InstanceIds=list(ids))


def _found(pages: Any) -> Iterator[Mapping[str, Any]]:
    return (found for page in pages for reservation in page["Reservations"] for found in reservation["Instances"])


def _instance(found: Mapping[str, Any], private: bool) -> Instance:
    public = None if private else found.get("PublicIpAddress")
    tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    return Instance(
        id=found["InstanceId"],
        role=tags.get(_ROLE, "worker"),
        group=tags.get(_GROUP, ""),
        type=found["InstanceType"],
        market="spot" if found.get("InstanceLifecycle") == "spot" else "on-demand",
        state=found["State"]["Name"],
        address=public or found.get("PrivateIpAddress") or None,
        launched=found["LaunchTime"],
        ended=_moment(found.get("StateTransitionReason", "")),
    )


def _moment(reason: str) -> datetime | None:
    """Return the time that EC2 gives with its reason for a machine's state, if any."""
    found = _MOMENT.search(reason)
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) if found else None
