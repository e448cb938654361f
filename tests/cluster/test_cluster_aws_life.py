"""Protects a cluster on AWS from up to down, on a simulated AWS with a launcher that starts nothing by itself."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cluster_calling import Ended, Sweeper
from fakes import Fakes
from mocked_aws import BUCKET, FILE, SETTINGS, WORKERS_IMAGE, client, mocked_aws, registered

OWN = (*SETTINGS, "workers.image.owner=self", "head.image.owner=self", "head.image.name=ubuntu-24.04-*")
PRICES = {("m7i.xlarge", "on-demand"): 0.2, ("g6.xlarge", "spot"): 0.3, ("g6.xlarge", "on-demand"): 0.8}
NAME = "sweeps"


@pytest.fixture(autouse=True)
def aws(place: Path, fakes: Fakes, wheel: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def hourly(type_: str, _region: str, market: str) -> float | None:
        return PRICES.get((type_, market))

    monkeypatch.setattr("sweeper.cluster.aws.prices.hourly", hourly)
    with mocked_aws(place):
        registered(WORKERS_IMAGE, datetime(2026, 1, 1, tzinfo=UTC))
        registered("ubuntu-24.04-server", datetime(2026, 1, 1, tzinfo=UTC))
        key = place / ".sweeper" / "clusters" / NAME / "key.pub"
        key.parent.mkdir(parents=True)
        key.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJZ9p2vVQ6kTzXhC2yV7M2R1cU8k2lS4tHqk0oXqV0aA")
        yield


def up(sweeper: Sweeper, *words: str, answer: str = "") -> Ended:
    settings = [word for value in OWN for word in ("--set", value)]
    return sweeper("cluster", "up", str(FILE), *settings, *words, answer=answer)


def start(role: str, type_: str, **options: Any) -> str:
    """Start a machine as Ray would have it."""
    tags = {"sweeper:cluster": NAME, "ray-node-type": role, "ray-user-node-type": role}
    described = [{"Key": key, "Value": value} for key, value in tags.items()]
    started = client("ec2").run_instances(
        ImageId=registered(f"{role}-{type_}", datetime(2026, 1, 1, tzinfo=UTC)),
        InstanceType=type_,
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": described}],
        **options,
    )
    return str(started["Instances"][0]["InstanceId"])


def states() -> list[str]:
    found = client("ec2").describe_instances()["Reservations"]
    return [machine["State"]["Name"] for many in found for machine in many["Instances"]]


def row(text: str, beginning: str) -> list[str]:
    """Return the cells of the line of a table that begins so."""
    (line,) = [line for line in text.splitlines() if line.startswith(beginning)]
    return line.split()


def test_up_shows_what_will_start_and_its_price(sweeper: Sweeper) -> None:
    printed = up(sweeper, answer="n").out
    assert row(printed, "head") == ["head", "m7i.xlarge", "on-demand", "1", "1", "0.200"]
    assert row(printed, "l4-spot") == ["l4-spot", "g6.xlarge", "spot", "0", "8", "0.300"]
    assert row(printed, "h100-spot") == ["h100-spot", "p5.4xlarge", "spot", "0", "1", "unknown"]
    assert "cluster sweeps in us-west-2: 0.20 USD per hour without work" in printed


def test_answered_with_no_nothing_is_made(sweeper: Sweeper, fakes: Fakes) -> None:
    ended = up(sweeper, answer="n")
    assert (ended.code, fakes.calls(), states()) == (1, [], [])
    assert client("s3").list_buckets()["Buckets"] == []
    groups = client("ec2").describe_security_groups()["SecurityGroups"]
    assert [group for group in groups if "sweeper" in group["GroupName"]] == []


def test_up_hands_a_complete_configuration_to_rays_launcher(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    assert up(sweeper, "--yes").code == 0
    configuration = place / ".sweeper" / "clusters" / NAME / "launcher.yaml"
    making, launching = fakes.calls()
    assert making.startswith("ssh-keygen\n-q\n-t\ned25519")
    assert launching.splitlines()[:3] == ["ray", "up", str(configuration)]
    assert "${" not in configuration.read_text()
    assert configuration.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("pattern", "step"),
    [("ed25519", "make an SSH key of the cluster's own"), ("up", "start the head with Ray's launcher")],
)
def test_a_failing_program_is_one_line_and_may_be_run_again(
    sweeper: Sweeper, fakes: Fakes, pattern: str, step: str
) -> None:
    fakes.fail(pattern, "it is not to be")
    assert up(sweeper, "--yes").complaint.startswith(
        f"error: {step}: it is not to be; put that right, then run the same"
    )
    fakes.mend()
    assert up(sweeper, "--yes").code == 0


def test_what_aws_refuses_is_one_line_and_may_be_run_again(sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setattr("sweeper.cluster.aws.account.newest_image", _refused)
        complaint = up(sweeper, "--yes").complaint
    assert complaint.startswith(
        "error: prepare bucket, roles, security group and images: no such image; put that right"
    )
    assert up(sweeper, "--yes").code == 0


def _refused(*_: object) -> None:
    from sweeper.cluster.aws.client import AwsError

    raise AwsError("no such image")


def test_status_lists_machines_and_their_price(sweeper: Sweeper, fakes: Fakes) -> None:
    up(sweeper, "--yes")
    head = start("head", "m7i.xlarge")
    start("worker", "p5.4xlarge")
    fakes.fail("ray status", "not yet")
    ended = sweeper("cluster", "status")
    assert row(ended.out, head)[1:5] == ["head", "m7i.xlarge", "on-demand", "running"]
    assert "at least 0.20 USD per hour now (1 price could not be found)" in ended.out
    assert ended.complaint.startswith("error: ask Ray on the head: not yet; ")
    assert f"HostKeyAlias={head}" in fakes.calls()[-1]


def test_without_a_head_status_says_how_to_bring_it_back(sweeper: Sweeper) -> None:
    up(sweeper, "--yes")
    ended = sweeper("cluster", "status")
    assert ended.code == 1
    assert ended.complaint == "error: cluster sweeps: no head runs; 'sweeper cluster up FILE' brings one up"


def test_cost_is_by_machine_and_does_not_guess(sweeper: Sweeper) -> None:
    up(sweeper, "--yes")
    head, worker = start("head", "m7i.xlarge"), start("worker", "p5.4xlarge")
    printed = sweeper("cluster", "cost").out
    assert row(printed, head)[-2:] == ["0.200", "0.000"]
    assert row(printed, worker)[-2:] == ["unknown", "unknown"]
    assert "at least 0.00 USD so far (1 price could not be found), at the prices of now" in printed


def test_down_ends_also_what_rays_launcher_leaves(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    up(sweeper, "--yes")
    start("head", "m7i.xlarge")
    start("worker", "g6.xlarge")
    ended = sweeper("cluster", "down", answer="y")
    assert (ended.code, ended.err) == (0, "")
    assert "cluster sweeps in us-west-2: 2 machines run; end it" in ended.out
    assert states() == ["terminated", "terminated"]
    assert row(ended.out, "bucket")[:3] == ["bucket", BUCKET, "no"]
    assert ended.out.endswith(f"cluster sweeps is down; sweeps stay in s3://{BUCKET}/sweeper/sweeps\n")
    assert not (place / ".sweeper" / "clusters" / NAME).exists()


def test_down_ends_all_where_rays_launcher_fails(sweeper: Sweeper, fakes: Fakes) -> None:
    up(sweeper, "--yes")
    start("worker", "g6.xlarge")
    fakes.fail("down", "Head node not found")
    ended = sweeper("cluster", "down", "--yes")
    assert ended.code == 0
    assert "end the cluster with Ray's launcher: Head node not found; going on without it" in ended.out
    assert states() == ["terminated"]


def test_down_answered_with_no_ends_nothing(sweeper: Sweeper, fakes: Fakes) -> None:
    up(sweeper, "--yes")
    start("head", "m7i.xlarge")
    assert sweeper("cluster", "down", answer="n").code == 1
    assert states() == ["running"]


def test_what_is_left_and_costs_is_said_and_down_may_be_run_again(sweeper: Sweeper, fakes: Fakes) -> None:
    up(sweeper, "--yes")
    tags = [{"Key": "sweeper:cluster", "Value": NAME}]
    volume = client("ec2").create_volume(
        AvailabilityZone="us-west-2a", Size=200, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
    )["VolumeId"]
    ended = sweeper("cluster", "down", "--yes")
    assert ended.code == 1
    assert ended.complaint == (
        f"error: volume {volume} (200 GiB) still exists and costs money; "
        f"remove it: aws ec2 delete-volume --volume-id {volume}"
    )
    client("ec2").delete_volume(VolumeId=volume)
    assert sweeper("cluster", "down", "--yes").code == 0


def test_a_cluster_started_elsewhere_is_taken_down_by_its_file(sweeper: Sweeper, place: Path) -> None:
    start("head", "m7i.xlarge")
    own = place / "own.yaml"
    own.write_text(FILE.read_text().replace("bucket: null", f"bucket: {BUCKET}"))
    assert sweeper("cluster", "down", str(own), "--yes").code == 0
    assert states() == ["terminated"]


def test_no_credential_is_written_or_passed(
    sweeper: Sweeper, fakes: Fakes, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "wJalrXUtnFEMIK7MDENG"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    fakes.fail("down", f"denied for {secret}")
    up(sweeper, "--yes")
    ended = sweeper("cluster", "down", "--yes")
    assert "denied for ***" in ended.out
    written = {path: path.read_bytes() for path in place.rglob("*") if path.is_file() and path.name != "failing"}
    assert written
    assert [path for path, content in written.items() if secret.encode() in content] == []
