"""What the values at the top of a cluster's file may be, whatever kind of cluster it describes."""

from typing import Annotated, TypeAlias

from pydantic import Field

from sweeper.spec.section import Section

Name: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$",
        description="1 to 20 lower-case letters, digits and hyphens, a letter first and no hyphen last",
    ),
]
Text: TypeAlias = Annotated[str, Field(min_length=1, description="text")]
TextOrNone: TypeAlias = Annotated[str | None, Field(min_length=1, description="text, or null")]
Host: TypeAlias = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$", description="a host name or an address")
]
Nodes: TypeAlias = Annotated[int, Field(ge=0, le=1000, description="an integer from 0 to 1000")]
Port: TypeAlias = Annotated[int, Field(ge=1024, le=65535, description="an integer from 1024 to 65535")]


class ClusterValues(Section):
    """The values that every kind of cluster has.

    Attributes:
        name: of the cluster.

    """

    name: Name
