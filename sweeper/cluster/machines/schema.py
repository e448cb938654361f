"""What a cluster of own machines needs so that commands can be run on them over SSH."""

from collections.abc import Mapping
from typing import Any

from sweeper.cluster.description import Cluster
from sweeper.cluster.ssh_key import check_key
from sweeper.spec.places import Places
from sweeper.spec.values import not_allowed, shown

COMMANDS = (
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
    "head_stop_commands",
    "worker_stop_commands",
)
"""Lists of commands, with Ray's words for them."""
_KEYS = ("head", "workers", "auth", *COMMANDS)


def check_machines(cluster: Cluster, places: Places) -> None:
    """Check that each machine is named once, and that the launcher's part holds commands.

    Raises:
        UsageError: one of them is wrong.

    """
    check_key(cluster.values, places, with_public=False)
    hosts = [cluster.values["head"], *cluster.values["workers"]]
    for index, host in enumerate(cluster.values["workers"]):
        if hosts.count(host) > 1:
            raise places.error(("workers", index), f"found {shown(host)} twice; each machine joins once")
    for key in cluster.launcher:
        if key not in _KEYS:
            raise places.error(("launcher", key), not_allowed(key, _KEYS))
        if key in COMMANDS:
            _check_commands(cluster.launcher, key, places)


def _check_commands(launcher: Mapping[str, Any], key: str, places: Places) -> None:
    commands = launcher[key]
    if not isinstance(commands, list) or not all(isinstance(command, str) for command in commands):
        raise places.error(("launcher", key), f"found {shown(commands)}; must be a list of commands")
