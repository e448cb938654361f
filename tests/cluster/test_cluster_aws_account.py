"""Protects what is made on AWS around the machines: rights, bucket, group and images, right or refused in one line."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import mocked_aws
import pytest
from mocked_aws import BUCKET, REGION, client, described

from sweeper.cluster.aws import account, network, prices
from sweeper.cluster.aws.bucket import ensure_bucket
from sweeper.cluster.aws.client import AwsError
from sweeper.cluster.aws.images import newest_image
from sweeper.cluster.aws.network import ensure_group, own_range
from sweeper.cluster.aws.rights import Rights, ensure_roles

RIGHTS = Rights("sweeps", "ada", REGION, BUCKET, "sweeper")
VALUES: dict[str, Any] = {"name": "sweeps", "owner": "ada", "region": REGION, "vpc": None}


@pytest.fixture(autouse=True, scope="module")
def _aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with mocked_aws.mocked_aws(tmp_path_factory.mktemp("home")):
        yield


def allowed(node: str) -> set[tuple[str, str]]:
    """Return action and resource of all that a role of IAM allows, as IAM holds it."""
    policy = client("iam").get_role_policy(RoleName=RIGHTS.role(node), PolicyName="sweeper")["PolicyDocument"]
    return {
        (action, resource)
        for statement in policy["Statement"]
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_a_worker_may_use_its_folder_of_the_bucket_and_nothing_else() -> None:
    ensure_roles(RIGHTS)
    objects = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}
    folder = {(action, f"arn:aws:s3:::{BUCKET}/sweeper/*") for action in objects}
    assert allowed("worker") == {("s3:ListBucket", f"arn:aws:s3:::{BUCKET}"), *folder}


def test_the_head_may_start_machines_of_its_cluster_and_hand_on_the_role_of_workers_alone() -> None:
    ensure_roles(RIGHTS)
    beyond = allowed("head") - allowed("worker")
    assert {action for action, _ in beyond} == {
        *("ec2:Describe*", "ec2:RunInstances", "ec2:CreateTags", "ec2:TerminateInstances", "iam:PassRole")
    }
    passed = {resource for action, resource in beyond if action == "iam:PassRole"}
    assert passed == {f"arn:aws:iam::*:role/{RIGHTS.role('worker')}"}
    policy = RIGHTS.policy("head")["Statement"]
    ending = [statement for statement in policy if "ec2:TerminateInstances" in _list(statement["Action"])]
    assert [statement["Condition"] for statement in ending] == [
        {"StringEquals": {"ec2:ResourceTag/ray-cluster-name": "sweeps"}}
    ]


def test_only_machines_may_take_the_roles() -> None:
    ensure_roles(RIGHTS)
    trust = client("iam").get_role(RoleName=RIGHTS.role("worker"))["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"] == RIGHTS.trust()["Statement"]
    assert [statement["Principal"] for statement in trust["Statement"]] == [{"Service": "ec2.amazonaws.com"}]


def test_a_group_loses_the_rules_that_let_others_in() -> None:
    id_ = ensure_group(VALUES, "203.0.113.7/32")
    world = {"IpProtocol": "tcp", "FromPort": 8265, "ToPort": 8265, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    client("ec2").authorize_security_group_ingress(GroupId=id_, IpPermissions=[world])
    assert ensure_group(VALUES, "198.51.100.0/24") == id_
    rules = client("ec2").describe_security_groups(GroupIds=[id_])["SecurityGroups"][0]["IpPermissions"]
    assert [span["CidrIp"] for rule in rules for span in rule["IpRanges"]] == ["198.51.100.0/24"]


def test_the_own_address_is_what_aws_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "urlopen", lambda *_, **__: io.BytesIO(b"203.0.113.7\n"))
    assert own_range() == "203.0.113.7/32"
    monkeypatch.setattr(network, "urlopen", lambda *_, **__: io.BytesIO(b"<html>"))
    with pytest.raises(AwsError, match=r"does not say what your address is .*; --set ssh.from=ADDRESS/32$"):
        own_range()


def test_a_bucket_of_ours_is_found_again() -> None:
    assert ensure_bucket("ours-0", REGION) is True
    assert ensure_bucket("ours-0", REGION) is False


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda s3, name: s3.delete_public_access_block(Bucket=name), "does not block public access"),
        (
            lambda s3, name: s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"}),
            "keeps versions, so that checkpoints that are removed would go on costing",
        ),
    ],
    ids=["open", "versioned"],
)
def test_a_bucket_that_shows_or_costs_more_is_refused(spoil: Any, said: str) -> None:
    name = f"spoilt-{len(said)}"
    ensure_bucket(name, REGION)
    spoil(client("s3"), name)
    with pytest.raises(AwsError, match=f"^bucket {name}: {said}"):
        ensure_bucket(name, REGION)


def test_a_bucket_of_another_region_is_refused() -> None:
    far = boto3.client("s3", region_name="eu-central-1")
    far.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with pytest.raises(AwsError, match=r"^bucket far-away: is in eu-central-1, the cluster in us-west-2; "):
        ensure_bucket("far-away", REGION)


def test_an_image_that_nobody_has_is_named() -> None:
    with pytest.raises(AwsError, match=r"^image 'none-\*' of amazon: there is none in us-west-2"):
        newest_image(REGION, {"owner": "amazon", "name": "none-*"})


def test_what_ec2_would_not_start_is_found_before_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "_PATIENCE", 0.0)
    monkeypatch.setattr(account, "_refusal", lambda *_: ("InvalidParameterValue", "Invalid IAM Instance Profile name"))
    with pytest.raises(AwsError, match=r"^node type l4: EC2 would not start it \(InvalidParameterValue: Invalid IAM "):
        account._rehearse(REGION, "l4", {})


def test_a_role_that_ec2_does_not_know_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([("InvalidParameterValue", "Invalid IAM Instance Profile name"), ("DryRunOperation", "")])
    monkeypatch.setattr(account, "_PAUSE", 0.0)
    monkeypatch.setattr(account, "_refusal", lambda *_: next(answers))
    account._rehearse(REGION, "l4", {})
    assert list(answers) == []


class Listed:
    """Stands in for AWS's services of prices."""

    def __init__(self, **answer: Any) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    def get_products(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return self.answer

    describe_spot_price_history = get_products


def product(usd: str) -> str:
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": usd}}
    return json.dumps({"terms": {"OnDemand": {"offer": {"priceDimensions": {"dimension": dimension}}}}})


@pytest.mark.parametrize(
    ("listed", "expected"),
    [([product("0.8048")], 0.8048), ([], None), ([product("0.8"), product("0.9")], None)],
    ids=["one", "none", "several"],
)
def test_the_price_on_demand_is_the_list_s_or_unknown(
    listed: list[str], expected: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prices, "client", lambda *_: Listed(PriceList=listed))
    prices.hourly.cache_clear()
    assert prices.hourly("g6.xlarge", REGION, "on-demand") == expected


def test_the_price_of_a_spot_machine_is_that_of_the_dearest_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Listed(SpotPriceHistory=[{"SpotPrice": "0.31"}, {"SpotPrice": "0.42"}])
    monkeypatch.setattr(prices, "client", lambda *_: service)
    prices.hourly.cache_clear()
    assert prices.hourly("g6.xlarge", REGION, "spot") == 0.42
    assert datetime.now(UTC) - service.asked["StartTime"] < timedelta(minutes=5)


def test_a_price_that_aws_refuses_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: str) -> None:
        raise AwsError("AccessDenied")

    monkeypatch.setattr(prices, "client", refused)
    prices.hourly.cache_clear()
    assert prices.hourly("g6.xlarge", REGION, "on-demand") is None


def test_what_aws_refuses_is_one_line_with_the_step() -> None:
    with pytest.raises(AwsError, match=r"^ending i-0: .*InvalidInstanceID.NotFound") as raised:
        account.terminate(described(), ["i-0"])
    assert "\n" not in str(raised.value)
