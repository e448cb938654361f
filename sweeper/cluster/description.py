"""A cluster as its file describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from sweeper.cluster.rendering import with_found

Kind: TypeAlias = Literal["aws", "machines", "kuberay"]

HOME = "SWEEPER_HOME"
"""The variable that says where sweeps are."""


@dataclass(frozen=True)
class Cluster:
    """A cluster as its file describes it.

    Attributes:
        name: of the cluster.
        kind: of its machines.
        values: what people change, defaults included.
        environment: of all processes on the machines; variables of the shell may stand in it, secrets may not.
        launcher: what its launcher is given; what is known only when the cluster goes up stands there as `${up.name}`.

    """

    name: str
    kind: Kind
    values: Mapping[str, Any]
    environment: Mapping[str, str]
    launcher: Mapping[str, Any]

    @property
    def home(self) -> str:
        """Where its sweeps are: `s3://…`, or a folder that all machines share."""
        return self.environment[HOME]

    def completed(self, found: Mapping[str, str]) -> dict[str, Any]:
        """Return what the launcher is given, with what was found when the cluster went up put in.

        Raises:
            UsageError: something that stands there was not found.

        """
        return cast("dict[str, Any]", with_found(dict(self.launcher), found))
