"""What a cluster has left on AWS, found by its tag: the proof that nothing goes on costing money."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sweeper.cluster.aws.client import TAG, client, is_there, telling
from sweeper.cluster.aws.instances import instances
from sweeper.cluster.aws.rights import Rights
from sweeper.cluster.description import Cluster

_GONE = "NoSuchEntity"


@dataclass(frozen=True)
class Left:
    """Something that exists.

    Attributes:
        kind: such as volume.
        name: id or name on AWS.
        costs: whether it costs money while it is there.
        remove: the command that removes it.

    """

    kind: str
    name: str
    costs: bool
    remove: str


def left(cluster: Cluster) -> list[Left]:
    """Return what exists of a cluster, what costs money first; the bucket is always in it where it exists.

    What lies in the bucket costs what S3 asks for it; it is the answer that was paid for, and nothing here removes it.

    Raises:
        AwsError: AWS does not say.

    """
    with telling("looking for what is left"):
        values = cluster.values
        return [*_machines(cluster), *_by_tag(values), *_roles(values), *_bucket(values)]


def _machines(cluster: Cluster) -> Iterator[Left]:
    for instance in instances(cluster):
        name = f"{instance.id} ({instance.type}, {instance.state})"
        yield Left("instance", name, True, f"aws ec2 terminate-instances --instance-ids {instance.id}")


def _by_tag(values: Mapping[str, Any]) -> Iterator[Left]:
    ec2 = client("ec2", values["region"])
    own = [{"Name": f"tag:{TAG}", "Values": [values["name"]]}]
    for found in ec2.describe_volumes(Filters=own)["Volumes"]:
        id_ = found["VolumeId"]
        yield Left("volume", f"{id_} ({found['Size']} GiB)", True, f"aws ec2 delete-volume --volume-id {id_}")
    for found in ec2.describe_addresses(Filters=own)["Addresses"]:
        remove = f"aws ec2 release-address --allocation-id {found['AllocationId']}"
        yield Left("address", found["PublicIp"], True, remove)
    asking = [*own, {"Name": "state", "Values": ["open", "active"]}]
    for found in ec2.describe_spot_instance_requests(Filters=asking)["SpotInstanceRequests"]:
        id_ = found["SpotInstanceRequestId"]
        remove = f"aws ec2 cancel-spot-instance-requests --spot-instance-request-ids {id_}"
        yield Left("spot request", id_, True, remove)
    for found in ec2.describe_security_groups(Filters=own)["SecurityGroups"]:
        id_ = found["GroupId"]
        yield Left("security group", id_, False, f"aws ec2 delete-security-group --group-id {id_}")
    for found in ec2.describe_key_pairs(Filters=own)["KeyPairs"]:
        yield Left("key pair", found["KeyName"], False, f"aws ec2 delete-key-pair --key-name {found['KeyName']}")


def _roles(values: Mapping[str, Any]) -> Iterator[Left]:
    iam, rights = client("iam", values["region"]), Rights.of(values)
    for name in map(rights.role, ("head", "worker")):
        if is_there(partial(iam.get_role, RoleName=name), _GONE):
            yield Left("role", name, False, f"aws iam delete-role --role-name {name}")
        if is_there(partial(iam.get_instance_profile, InstanceProfileName=name), _GONE):
            remove = f"aws iam delete-instance-profile --instance-profile-name {name}"
            yield Left("instance profile", name, False, remove)


def _bucket(values: Mapping[str, Any]) -> Iterator[Left]:
    name = values["bucket"]
    s3 = client("s3", values["region"])
    if is_there(partial(s3.head_bucket, Bucket=name), "404", "NoSuchBucket", "403"):  # 403: it is somebody else's.
        yield Left("bucket", name, False, f"aws s3 rm --recursive s3://{name}/{values['folder']}")
