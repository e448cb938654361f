"""The values of a cluster on AWS: what people change at the top of ``cluster/aws.yaml``."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from sweeper.cluster.values import ClusterValues, Name, Nodes, Port, Text, TextOrNone
from sweeper.spec.section import Amount, Count, Section

_RESERVED = re.compile(r"(xn--|sthree-|amzn-s3-demo-).*|.*(-s3alias|--ol-s3|--x-s3|--table-s3)")
"""Names of buckets that S3 keeps for itself."""


def _bucket(name: str) -> str:
    if _RESERVED.fullmatch(name):
        raise ValueError
    return name


def _addresses(text: str) -> str:
    """Refuse what is no range of addresses, and the range of all of them."""
    if text != "auto" and IPv4Network(text).prefixlen == 0:
        raise ValueError
    return text


AccessFrom: TypeAlias = Annotated[
    str,
    AfterValidator(_addresses),
    Field(
        description="auto (your own address), or a range of IPv4 addresses such as 203.0.113.0/24; 0.0.0.0/0 would "
        "let the whole Internet knock"
    ),
]
Bucket: TypeAlias = Annotated[
    str,
    AfterValidator(_bucket),
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
        description="the name of an S3 bucket: 3 to 63 lower-case letters, digits and hyphens; it is made if it does "
        "not exist: --set bucket=NAME",
    ),
]
Disk: TypeAlias = Annotated[int, Field(ge=30, le=16_384, description="GiB, an integer from 30 to 16384")]
Price: TypeAlias = Annotated[
    float | None,
    Field(gt=0, description="US dollars per hour, a number > 0, or null for at most the on-demand price"),
    PlainSerializer(lambda price: None if price is None else f"{price:g}"),
]
"""AWS takes it as text."""
InstanceType: TypeAlias = Annotated[
    str, Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$", description="a type of EC2 instance, such as g6.xlarge")
]
Folder: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$",
        description="a folder in the bucket, such as sweeper or teams/vision",
    ),
]


def _without_nulls(groups: object) -> object:
    """Leave out groups that were unset by ``--set spot.h100=null``."""
    return {name: group for name, group in groups.items() if group is not None} if isinstance(groups, dict) else groups


_WITHOUT_NULLS = BeforeValidator(_without_nulls)


class Access(Section):
    """Who may log in to the machines.

    Attributes:
        user: that the images know.
        from_: addresses that may open an SSH connection, written ``from``.
        key: file of a private key, whose public one is beside it; None for a key of the cluster's own.

    """

    user: Text = "ubuntu"
    from_: AccessFrom = Field(alias="from", serialization_alias="from")
    key: TextOrNone = None


class Image(Section):
    """Which machine image: the newest that is available from an owner under a name with stars.

    Attributes:
        owner: number of an account, or amazon or self.
        name: pattern.

    """

    owner: Annotated[
        str, Field(pattern=r"^(\d{12}|amazon|self)$", description="amazon, self or the 12 digits of an account, quoted")
    ]
    name: Text


class Head(Section):
    """The machine that sweeps are driven from."""

    type: InstanceType
    disk: Disk
    image: Image


class Workers(Section):
    """What all workers have in common.

    Attributes:
        max: workers at once, of all groups together.
        idle_minutes: after which a worker without work is ended.
        disk: GiB of each.
        image: of all of them.

    """

    max: Nodes
    idle_minutes: Amount
    disk: Disk
    image: Image


class Group(Section):
    """Workers of one type of instance, at most ``max`` and at least ``min`` of them."""

    type: InstanceType
    min: Nodes = 0
    max: Nodes


class SpotGroup(Group):
    """Workers that AWS may take away with two minutes' notice, for at most ``price``."""

    price: Price = None


class Database(Section):
    """PostgreSQL on the head, on loopback."""

    port: Port = 5432


class Tracking(Section):
    """The MLflow server on the head, on loopback."""

    port: Port = 5000
    workers: Count = 2


class AwsValues(ClusterValues):
    """The values of a cluster on AWS.

    Attributes:
        owner: in the tags, for the bill; None for the login name of whoever brings the cluster up.
        region: of AWS.
        bucket: that holds the sweeps and MLflow's artifacts.
        folder: in the bucket, the only one that the machines have rights in.
        vpc: id of the network that the machines are in; None for the region's default.
        ssh: who may log in.
        head: the machine that sweeps are driven from.
        workers: what all workers have in common.
        spot: groups of spot workers.
        on_demand: groups that are turned to when no spot worker is to be had.
        venv: virtual environment on each machine, which is made if it is not there.
        database: PostgreSQL.
        mlflow: the tracking server.

    """

    owner: TextOrNone = None
    region: Text
    bucket: Bucket
    folder: Folder
    vpc: Annotated[str | None, Field(pattern="^vpc-[0-9a-f]+$", description="such as vpc-0abc, or null")] = None
    ssh: Access
    head: Head
    workers: Workers
    spot: Annotated[Mapping[Name, SpotGroup], _WITHOUT_NULLS, Field(description="a mapping of groups")]
    on_demand: Annotated[Mapping[Name, Group], _WITHOUT_NULLS, Field(description="a mapping of groups")]
    venv: Text
    database: Database
    mlflow: Tracking
