"""The values of a cluster of own machines: what people change at the top of ``cluster/machines.yaml``."""

from typing import Annotated

from pydantic import Field

from sweeper.cluster.values import ClusterValues, Host, Text, TextOrNone
from sweeper.spec.section import Section


class Login(Section):
    """How to log in: user, and file of a private key (None for what SSH finds by itself)."""

    user: Text
    key: TextOrNone = None


class MachinesValues(ClusterValues):
    """The values of a cluster of own machines.

    Attributes:
        head: the machine that sweeps are driven from, and that the others reach under this name.
        workers: the other machines.
        ssh: how to log in to each.
        home: where sweeps are: ``s3://…``, or a folder that all machines share.
        venv: virtual environment on each machine, which is made if it is not there.

    """

    head: Host
    workers: Annotated[list[Host], Field(description="a list of host names or addresses")]
    ssh: Login
    home: Annotated[
        str, Field(pattern=r"^(s3://|/).+", description="s3://BUCKET/FOLDER, or the path of a folder that all share")
    ]
    venv: Text
