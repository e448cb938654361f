"""What a cluster has on AWS besides its machines, which Ray starts: made before them, and removed after them."""

import time
from collections.abc import Mapping
from typing import Any, cast

from sweeper.cluster.aws.bucket import ensure_bucket
from sweeper.cluster.aws.client import AwsError, client
from sweeper.cluster.aws.images import newest_image
from sweeper.cluster.aws.instances import Instance as Instance
from sweeper.cluster.aws.instances import instances as instances
from sweeper.cluster.aws.instances import terminate as terminate
from sweeper.cluster.aws.left import Left as Left
from sweeper.cluster.aws.left import left as left
from sweeper.cluster.aws.network import ensure_group, ensure_key, own_range, remove_group, remove_key, subnet
from sweeper.cluster.aws.rights import Rights, ensure_roles, remove_roles
from sweeper.cluster.description import Cluster
from sweeper.cluster.rendering import with_found

_IMAGES = {"head": "head", "worker": "workers"}
"""Kinds of machines, and where their image stands in the values."""
_PATIENCE = 120.0
"""Seconds until EC2 must know a role that was just made; it says about ten."""
_PAUSE = 3.0


def prepare(cluster: Cluster, public_key: str) -> dict[str, str]:
    """Make bucket, roles, security group and key pair where they are not, and look up the images; start nothing.

    Return what `Cluster.completed` puts into the launcher's configuration. EC2 is then asked, for each node type,
    whether it would start such a machine for us: what it refuses is found before anything costs money.

    Raises:
        AwsError: a step failed; all may be done again.

    """
    values = cluster.values
    region = values["region"]
    images = {f"{kind}_image": newest_image(region, values[key]["image"]).id for kind, key in _IMAGES.items()}
    ensure_bucket(values["bucket"], region)
    ensure_roles(Rights.of(values))
    ensure_key(values, public_key)
    reachable_from = own_range() if values["ssh"]["from"] == "auto" else values["ssh"]["from"]
    found = {**images, "security_group": ensure_group(values, reachable_from)}
    place = subnet(values)
    for name, node in cluster.launcher["available_node_types"].items():
        _rehearse(region, name, {"SubnetId": place, **cast("dict[str, Any]", with_found(node["node_config"], found))})
    return found


def clear(cluster: Cluster) -> None:
    """Remove security group, key pair and roles, once the machines have ended; the bucket stays.

    Raises:
        AwsError: a step failed; all may be done again.

    """
    remove_group(cluster.values)
    remove_key(cluster.values)
    remove_roles(Rights.of(cluster.values))


def _rehearse(region: str, name: str, node: Mapping[str, Any]) -> None:
    """Ask EC2 whether it would start a machine, which it answers without starting it.

    Raises:
        AwsError: it would not.

    """
    request = {"MinCount": 1, "MaxCount": 1, "DryRun": True, **node}
    deadline = time.monotonic() + _PATIENCE
    while True:
        code, message = _refusal(region, request)
        if code == "DryRunOperation":
            return
        if "IAM Instance Profile" not in message or time.monotonic() > deadline:
            raise AwsError(f"node type {name}: EC2 would not start it ({code}: {message})")
        time.sleep(_PAUSE)


def _refusal(region: str, request: Mapping[str, Any]) -> tuple[str, str]:
    """Return code and message of the refusal that EC2 answers a rehearsal with, whatever it thinks of it."""
    from botocore.exceptions import ClientError

    try:
        client("ec2", region).run_instances(**request)
    except ClientError as error:
        return str(error.response["Error"]["Code"]), str(error.response["Error"]["Message"])
    raise AwsError("EC2 took a rehearsal for the performance; `sweeper cluster down` ends what it started")
