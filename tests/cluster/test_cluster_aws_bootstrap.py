"""Protects what a cluster on AWS is made of: Ray's own provider starts it from its file on a simulated AWS."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mocked_aws
import pytest
from mocked_aws import BUCKET, PUBLIC_KEY, REGION, WORKERS_IMAGE, Launched, client, described, registered

from sweeper.cluster.aws.account import clear, instances, left, prepare

SPOT = {"l4-spot": "g6.xlarge", "a10g-spot": "g5.xlarge", "h100-spot": "p5.4xlarge"}
TYPES = {"head": "m7i.xlarge", **SPOT, "l4-on-demand": "g6.xlarge"}


class Ground:
    """A cluster that is up on the simulated AWS, and what was found for it."""

    def __init__(self, folder: Path, *overrides: str) -> None:
        self.images = {
            "worker": registered(WORKERS_IMAGE, datetime(2026, 1, 1, tzinfo=UTC)),
            "head": registered("ubuntu-24.04-server", datetime(2026, 1, 1, tzinfo=UTC)),
        }
        registered(WORKERS_IMAGE.replace("2026", "2024"), datetime(2024, 1, 1, tzinfo=UTC))
        self.cluster = described(*overrides)
        self.configuration = mocked_aws.prepared(self.cluster, folder)
        self.launched = Launched(self.configuration)
        self.asked = self.launched.asked
        self.launched.start()

    def machines(self) -> dict[str, dict[str, Any]]:
        """Return what EC2 holds of each machine, by its node type."""
        found = [one for many in client("ec2").describe_instances()["Reservations"] for one in many["Instances"]]
        return {tags_of(one)["ray-user-node-type"]: one for one in found}


def tags_of(found: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found["Tags"]}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("home")
    with mocked_aws.mocked_aws(folder):
        yield Ground(folder)


def test_every_node_type_starts_one_machine_of_its_type(ground: Ground) -> None:
    assert {name: machine["InstanceType"] for name, machine in ground.machines().items()} == TYPES


def test_workers_are_spot_machines_and_head_and_reserve_are_not(ground: Ground) -> None:
    spot = {name for name, machine in ground.machines().items() if machine.get("InstanceLifecycle") == "spot"}
    assert spot == set(SPOT)
    offers = {
        request["InstanceType"]: request["InstanceMarketOptions"]["SpotOptions"]
        for request in ground.asked
        if "InstanceMarketOptions" in request
    }
    assert offers["g6.xlarge"] == {"SpotInstanceType": "one-time", "MaxPrice": "0.8"}
    assert offers["g5.xlarge"] == {"SpotInstanceType": "one-time"}


def test_the_image_is_the_newest_of_its_name(ground: Ground) -> None:
    images = {name: machine["ImageId"] for name, machine in ground.machines().items()}
    assert images == {name: ground.images["head" if name == "head" else "worker"] for name in TYPES}


def test_machines_know_one_key(ground: Ground) -> None:
    assert {machine["KeyName"] for machine in ground.machines().values()} == {"sweeper-sweeps"}
    assert [pair["KeyName"] for pair in client("ec2").describe_key_pairs()["KeyPairs"]] == ["sweeper-sweeps"]


def test_head_and_workers_have_roles_of_their_own(ground: Ground) -> None:
    profiles = {
        name: machine["IamInstanceProfile"]["Arn"].split("/")[-1] for name, machine in ground.machines().items()
    }
    assert profiles.pop("head") == "sweeper-sweeps-us-west-2-head"
    assert set(profiles.values()) == {"sweeper-sweeps-us-west-2-worker"}


def test_only_ssh_from_one_range_and_the_machines_themselves_get_in(ground: Ground) -> None:
    groups = {group["GroupId"] for machine in ground.machines().values() for group in machine["SecurityGroups"]}
    assert len(groups) == 1
    (found,) = client("ec2").describe_security_groups(GroupIds=list(groups))["SecurityGroups"]
    rules = [
        (
            rule["IpProtocol"],
            rule.get("FromPort"),
            [span["CidrIp"] for span in rule["IpRanges"]],
            [span["CidrIpv6"] for span in rule["Ipv6Ranges"]],
            [pair["GroupId"] for pair in rule["UserIdGroupPairs"]],
        )
        for rule in found["IpPermissions"]
    ]
    assert sorted(rules) == [("-1", None, [], [], [found["GroupId"]]), ("tcp", 22, ["203.0.113.7/32"], [], [])]


def test_all_carries_the_tags(ground: Ground) -> None:
    own = {"sweeper:cluster": "sweeps", "sweeper:owner": "ada"}
    ec2, iam = client("ec2"), client("iam")
    volumes = ec2.describe_volumes()["Volumes"]
    keys = ec2.describe_key_pairs()["KeyPairs"]
    roles = [iam.get_role(RoleName=f"sweeper-sweeps-{REGION}-{node}")["Role"] for node in ("head", "worker")]
    groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["sweeper-sweeps"]}])
    tagged = [*ground.machines().values(), *volumes, *keys, *roles, *groups["SecurityGroups"]]
    assert len(tagged) == 5 + 5 + 1 + 2 + 1
    assert [found for found in tagged if not own.items() <= tags_of(found).items()] == []
    spot = [request for request in ground.asked if "InstanceMarketOptions" in request]
    kinds = [{tagged["ResourceType"] for tagged in request["TagSpecifications"]} for request in spot]
    assert kinds == [{"instance", "volume", "spot-instances-request"}] * 3


def test_disks_are_encrypted_and_go_with_their_machine(ground: Ground) -> None:
    volumes = client("ec2").describe_volumes()["Volumes"]
    assert {volume["Encrypted"] for volume in volumes} == {True}
    attached = [disk["Ebs"] for machine in ground.machines().values() for disk in machine["BlockDeviceMappings"]]
    assert {disk["DeleteOnTermination"] for disk in attached} == {True}
    assert sorted(volume["Size"] for volume in volumes) == [100, 200, 200, 200, 200]


def test_machines_ask_for_their_credentials_with_a_token(ground: Ground) -> None:
    required = {machine["MetadataOptions"]["HttpTokens"] for machine in ground.machines().values()}
    assert required == {"required"}


def test_ray_asks_everybody_for_a_token(ground: Ground) -> None:
    environment = ground.cluster.environment
    assert environment["RAY_AUTH_MODE"] == "token"
    assert environment["RAY_AUTH_TOKEN_PATH"] == "$HOME/sweeper/token"
    commands = [
        command
        for where in ("head_start_ray_commands", "worker_start_ray_commands")
        for command in ground.configuration[where]
        if "ray start" in command or "sweeper." in command
    ]
    assert len(commands) == 4
    assert all(command.startswith(". ~/sweeper/environment &&") for command in commands)
    ((place, folder),) = ground.configuration["file_mounts"].items()
    assert place == "~/sweeper"
    assert (Path(folder) / "token").stat().st_mode & 0o777 == 0o600


def test_ray_prefers_spot_and_turns_to_the_reserve(ground: Ground) -> None:
    types = ground.configuration["available_node_types"]
    assert {types[name]["priority"] for name in SPOT} == {1}
    assert types["l4-on-demand"]["priority"] == 0
    assert types["head"]["resources"] == {"CPU": 0}


def test_the_bucket_is_private_and_encrypted(ground: Ground) -> None:
    s3 = client("s3")
    assert set(s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=BUCKET).get("Status") != "Enabled"


def test_machines_are_listed_with_what_they_cost_by(ground: Ground) -> None:
    listed = {machine.group: (machine.role, machine.type, machine.market) for machine in instances(ground.cluster)}
    assert listed["head"] == ("head", "m7i.xlarge", "on-demand")
    assert {listed[name] for name in SPOT} == {("worker", type_, "spot") for type_ in SPOT.values()}


def test_preparing_again_changes_nothing(ground: Ground) -> None:
    before = sorted(found.name for found in left(ground.cluster))
    again = prepare(ground.cluster, PUBLIC_KEY)
    assert again["security_group"] in str(ground.configuration)
    assert sorted(found.name for found in left(ground.cluster)) == before


def test_down_leaves_nothing_that_costs(ground: Ground, tmp_path: Path) -> None:
    other = Ground(tmp_path, "name=other")
    assert {found.kind for found in left(other.cluster) if found.costs} == {"instance", "volume"}
    other.launched.end()
    clear(other.cluster)
    assert [(found.kind, found.name) for found in left(other.cluster)] == [("bucket", BUCKET)]
    assert {machine.state for machine in instances(other.cluster, ended=True)} == {"terminated"}
    assert len(instances(ground.cluster)) == 5
    clear(other.cluster)
