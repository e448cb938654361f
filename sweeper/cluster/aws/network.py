"""Who may reach the machines of a cluster: SSH from a range of addresses, each other, and nobody else."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from urllib.request import urlopen

from sweeper.cluster.aws.client import AwsError, allowing, client, tags, telling

_OWN_ADDRESS = "https://checkip.amazonaws.com"
_SSH = 22


def resource_name(values: Mapping[str, Any]) -> str:
    """Return the name of what a cluster has one of: its security group and its key pair."""
    return f"sweeper-{values['name']}"


def own_range() -> str:
    """Return the range that holds this computer's address alone, as AWS sees it.

    Raises:
        AwsError: AWS does not say.

    """
    try:
        with urlopen(_OWN_ADDRESS, timeout=10) as answer:
            return str(IPv4Network(IPv4Address(answer.read().decode().strip())))
    except (OSError, ValueError) as error:
        raise AwsError(
            f"{_OWN_ADDRESS}: does not say what your address is ({error}); --set ssh.from=ADDRESS/32"
        ) from None


def ensure_group(values: Mapping[str, Any], reachable_from: str) -> str:
    """Make the security group, or correct one that is there; return its id.

    Raises:
        AwsError: there is no network to make it in, or AWS refuses.

    """
    ec2 = client("ec2", values["region"])
    with telling(f"security group {resource_name(values)}"):
        id_ = next(_groups(ec2, values), None) or _made(ec2, values)
        _correct(ec2, id_, reachable_from)
    return id_


def remove_group(values: Mapping[str, Any]) -> None:
    """Remove the security group, where there is one.

    Raises:
        AwsError: AWS refuses, as it does while a machine is in the group.

    """
    ec2 = client("ec2", values["region"])
    with telling(f"removing the security group {resource_name(values)}"):
        for id_ in _groups(ec2, values):
            ec2.delete_security_group(GroupId=id_)


def ensure_key(values: Mapping[str, Any], public_key: str) -> None:
    """Tell EC2 the public key that the machines let in, in the place of any that it knew under this name.

    Raises:
        AwsError: AWS refuses.

    """
    ec2, name = client("ec2", values["region"]), resource_name(values)
    marked = [{"ResourceType": "key-pair", "Tags": tags(values["name"], values["owner"])}]
    with telling(f"key pair {name}"):
        ec2.delete_key_pair(KeyName=name)
        ec2.import_key_pair(KeyName=name, PublicKeyMaterial=public_key.encode(), TagSpecifications=marked)


def remove_key(values: Mapping[str, Any]) -> None:
    """Make EC2 forget the key pair.

    Raises:
        AwsError: AWS refuses.

    """
    with telling(f"removing the key pair {resource_name(values)}"):
        client("ec2", values["region"]).delete_key_pair(KeyName=resource_name(values))


def network(values: Mapping[str, Any]) -> str:
    """Return the id of the network that the machines are in.

    Raises:
        AwsError: none is named, and the region has no default.

    """
    if values["vpc"]:
        return str(values["vpc"])
    with telling("looking for the default network"):
        default = [{"Name": "is-default", "Values": ["true"]}]
        found = client("ec2", values["region"]).describe_vpcs(Filters=default)["Vpcs"]
    if not found:
        raise AwsError(f"{values['region']} has no default network (VPC); --set vpc=ID names another")
    return str(found[0]["VpcId"])


def subnet(values: Mapping[str, Any]) -> str:
    """Return the id of a part of the network in which machines may start.

    Raises:
        AwsError: the network has none.

    """
    inside = [{"Name": "vpc-id", "Values": [network(values)]}, {"Name": "state", "Values": ["available"]}]
    with telling("looking for a subnet"):
        found = client("ec2", values["region"]).describe_subnets(Filters=inside)["Subnets"]
    if not found:
        raise AwsError(f"the network {network(values)} has no subnet; --set vpc=ID names another")
    return str(found[0]["SubnetId"])


def _groups(ec2: Any, values: Mapping[str, Any]) -> Iterator[str]:
    own = [{"Name": "group-name", "Values": [resource_name(values)]}, {"Name": "vpc-id", "Values": [network(values)]}]
    return (group["GroupId"] for group in ec2.describe_security_groups(Filters=own)["SecurityGroups"])


def _made(ec2: Any, values: Mapping[str, Any]) -> str:
    marked = [{"ResourceType": "security-group", "Tags": tags(values["name"], values["owner"])}]
    made = ec2.create_security_group(
        GroupName=resource_name(values),
        Description="SSH from one range of addresses, and the machines among themselves",
        VpcId=network(values),
        TagSpecifications=marked,
    )
    return str(made["GroupId"])


def _correct(ec2: Any, id_: str, reachable_from: str) -> None:
    """Give a group its rules, and take from it all others that let somebody in."""
    found = ec2.describe_security_groups(GroupIds=[id_])["SecurityGroups"][0]["IpPermissions"]
    among = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": id_}]}
    ssh = {"IpProtocol": "tcp", "FromPort": _SSH, "ToPort": _SSH, "IpRanges": [{"CidrIp": reachable_from}]}
    if found:
        ec2.revoke_security_group_ingress(GroupId=id_, IpPermissions=found)
    with allowing("InvalidPermission.Duplicate"):
        ec2.authorize_security_group_ingress(GroupId=id_, IpPermissions=[among, ssh])
