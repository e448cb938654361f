"""AWS in this process, and Ray's AWS provider on it: what the tests of a cluster on AWS share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2 import ec2_backends
from ray.autoscaler._private.aws import config as bootstrapping
from ray.autoscaler._private.aws import utils
from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
from ray.autoscaler._private.util import prepare_config, validate_config

from sweeper.cluster.aws import client as aws_client
from sweeper.cluster.aws.account import prepare
from sweeper.cluster.config import read_cluster
from sweeper.cluster.description import Cluster

FILE = Path(__file__).parents[2] / "cluster" / "aws.yaml"
REGION = "us-west-2"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZ9p2vVQ6kTzXhC2yV7M2R1cU8k2lS4tHqk0oXqV0aA"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true"}
BUCKET = "sweeps-of-ada"
SETTINGS = (f"bucket={BUCKET}", "owner=ada", "ssh.from=203.0.113.7/32", "spot.l4.price=0.8")
WORKERS_IMAGE = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20260101"


@contextmanager
def mocked_aws(home: Path) -> Iterator[None]:
    """Answer for AWS, without waiting where Ray waits for AWS; HOME is a folder, so that Ray finds no token.

    The policies that AWS comes with are not there: a machine that leant on them, as Ray's own would, could not start.
    """
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("HOME", str(home))
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        patch.setattr(bootstrapping.time, "sleep", lambda _: None)
        aws_client.client.cache_clear()
        yield
    aws_client.client.cache_clear()
    utils.resource_cache.cache_clear()
    utils.client_cache.cache_clear()
    bootstrapping._get_subnets_or_die.cache_clear()


def client(service: str) -> Any:
    return boto3.client(service, region_name=REGION)


def registered(name: str, created: datetime) -> str:
    """Register a machine image of our own, of a date that moto would not let us choose; return its id."""
    id_ = str(client("ec2").register_image(Name=name)["ImageId"])
    ec2_backends[DEFAULT_ACCOUNT_ID][REGION].amis[id_].creation_date = created
    return id_


def described(*overrides: str) -> Cluster:
    """Read the project's own file; the images are those that `registered` makes."""
    own = ("workers.image.owner=self", "head.image.owner=self", "head.image.name=ubuntu-24.04-*")
    return read_cluster(FILE, (*SETTINGS, *own, *overrides))


class Launched:
    """The machines that Ray's provider starts from a configuration, one for each node type."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        prepared = prepare_config(configuration)
        validate_config(prepared)
        self.configuration = bootstrapping.bootstrap_aws(prepared)
        self.provider = AWSNodeProvider(self.configuration["provider"], self.configuration["cluster_name"])
        self.asked: list[dict[str, Any]] = []
        events = self.provider.ec2_fail_fast.meta.client.meta.events
        events.register("provide-client-params.ec2.RunInstances", self._ask)

    def start(self) -> None:
        for name in self.configuration["available_node_types"]:
            self.start_node(name)

    def start_node(self, name: str) -> None:
        role = "head" if name == self.configuration["head_node_type"] else "worker"
        tags = {"ray-node-type": role, "ray-user-node-type": name, "ray-launch-config": "0", "ray-node-name": name}
        node = self.configuration["available_node_types"][name]["node_config"]
        self.provider.create_node(node, {**tags, "ray-node-status": "uninitialized"}, 1)

    def _ask(self, params: dict[str, Any], **_: Any) -> None:
        self.asked.append(params)

    def end(self) -> None:
        self.provider.terminate_nodes(self.provider.non_terminated_nodes({}))


def prepared(cluster: Cluster, folder: Path) -> dict[str, Any]:
    """Return the configuration that Ray's launcher gets, with a node folder that holds a token."""
    node = folder / "node"
    node.mkdir()
    (node / "token").touch(mode=0o600)
    return cluster.completed({"folder": str(node), "key": str(folder / "key")} | prepare(cluster, PUBLIC_KEY))
