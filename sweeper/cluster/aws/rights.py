"""What the machines of a cluster may do on AWS: roles, each with one policy and no more than its machines need."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweeper.cluster.aws.client import TAG, allowing, client, knowledge, tags, telling

_SPOT = "spot.amazonaws.com"
_RAY_TAG = "ray-cluster-name"
"""The tag by which Ray's autoscaler knows its machines; it sets the tag when it starts them."""
_POLICY = "sweeper"
_THERE = "EntityAlreadyExists"
_GONE = "NoSuchEntity"


@dataclass(frozen=True)
class Rights:
    """Who a cluster's machines are.

    Attributes:
        cluster: its name.
        owner: of the cluster, for the tags.
        region: of AWS.
        bucket: that they write to.
        folder: in the bucket, beyond which they write nothing.

    """

    cluster: str
    owner: str
    region: str
    bucket: str
    folder: str

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Rights":
        """Return the rights that follow from the values of a cluster's file."""
        return cls(values["name"], values["owner"], values["region"], values["bucket"], values["folder"])

    def role(self, node: str) -> str:
        """Return the name of the role of ``head`` or ``worker``, of its instance profile as well."""
        return f"sweeper-{self.cluster}-{self.region}-{node}"

    def policy(self, node: str) -> dict[str, Any]:
        """Return what the machines of a kind may do."""
        statements = self._store() if node == "worker" else [*self._store(), *self._machines()]
        return {"Version": "2012-10-17", "Statement": statements}

    def _store(self) -> list[dict[str, Any]]:
        """Return the rights in the bucket; only who may list it is told that an object is not there."""
        bucket = f"arn:{self._partition}:s3:::{self.bucket}"
        objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        return [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket},
            {"Effect": "Allow", "Action": objects, "Resource": f"{bucket}/{self.folder}/*"},
        ]

    def _machines(self) -> list[dict[str, Any]]:
        """Return what Ray's autoscaler needs: to look, to start machines of this cluster, to tag and to end them."""
        ec2 = f"arn:{self._partition}:ec2:{self.region}"
        own = {"StringEquals": {f"ec2:ResourceTag/{_RAY_TAG}": self.cluster}}
        beside = ("subnet", "security-group", "network-interface", "volume", "key-pair", "spot-instances-request")
        return [
            {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": "ec2:RunInstances",
                "Resource": f"{ec2}:*:instance/*",
                "Condition": {"StringEquals": {f"aws:RequestTag/{TAG}": self.cluster}},
            },
            {
                "Effect": "Allow",
                "Action": "ec2:RunInstances",
                "Resource": [f"{ec2}::image/*", *(f"{ec2}:*:{kind}/*" for kind in beside)],
            },
            {
                "Effect": "Allow",
                "Action": "ec2:CreateTags",
                "Resource": f"{ec2}:*:*/*",
                "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}},
            },
            {
                "Effect": "Allow",
                "Action": ["ec2:CreateTags", "ec2:TerminateInstances"],
                "Resource": f"{ec2}:*:instance/*",
                "Condition": own,
            },
            {
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": f"arn:{self._partition}:iam::*:role/{self.role('worker')}",
                "Condition": {"StringEquals": {"iam:PassedToService": f"ec2.{self._suffix}"}},
            },
        ]

    def trust(self) -> dict[str, Any]:
        """Return who may take the roles: machines of EC2."""
        statement = {"Effect": "Allow", "Principal": {"Service": f"ec2.{self._suffix}"}, "Action": "sts:AssumeRole"}
        return {"Version": "2012-10-17", "Statement": [statement]}

    @property
    def _partition(self) -> str:
        return str(knowledge().get_partition_for_region(self.region))

    @property
    def _suffix(self) -> str:
        return "amazonaws.com.cn" if self._partition == "aws-cn" else "amazonaws.com"


def ensure_roles(rights: Rights) -> None:
    """Make roles and instance profiles of head and workers where there are none, and give them their rights anew.

    Raises:
        AwsError: AWS refuses.

    """
    iam = client("iam", rights.region)
    for node in ("head", "worker"):
        with telling(f"role {rights.role(node)}"):
            _ensure_role(iam, rights, node)
    with telling(f"role of {_SPOT}"), allowing("InvalidInput", _THERE):  # It is there: the account knows spot machines.
        iam.create_service_linked_role(AWSServiceName=_SPOT)


def _ensure_role(iam: Any, rights: Rights, node: str) -> None:
    name, own = rights.role(node), tags(rights.cluster, rights.owner)
    with allowing(_THERE):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(rights.trust()), Tags=own)
    iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=json.dumps(rights.policy(node)))
    with allowing(_THERE):
        iam.create_instance_profile(InstanceProfileName=name, Tags=own)
    with allowing("LimitExceeded"):  # A profile holds one role: it is there.
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)


def remove_roles(rights: Rights) -> None:
    """Remove roles and instance profiles, where there are any.

    Raises:
        AwsError: AWS refuses.

    """
    iam = client("iam", rights.region)
    for node in ("head", "worker"):
        name = rights.role(node)
        with telling(f"removing the role {name}"):
            with allowing(_GONE):
                iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=name)
            with allowing(_GONE):
                iam.delete_instance_profile(InstanceProfileName=name)
            with allowing(_GONE):
                iam.delete_role_policy(RoleName=name, PolicyName=_POLICY)
            with allowing(_GONE):
                iam.delete_role(RoleName=name)
