"""The laboratory's network: namespaces on one bridge, without a route to anywhere else.

The bridge lies in the namespace of the laptop, ``control``; every machine is a namespace with one link to it, at the
address that moto gave it. Nothing here touches the host's own network.
"""

import json
import subprocess
from collections.abc import Sequence

CONTROL = "sweeper-lab"
BRIDGE = "br0"
GATEWAY = "172.31.0.1"
"""The laptop, and AWS, as machines see them. moto's default network is 172.31.0.0/16."""
PREFIX = 16


def ip(*words: str, check: bool = True) -> None:
    """Call ``ip``."""
    subprocess.run(["ip", *words], check=check, capture_output=not check)


def inside(namespace: str, command: Sequence[str]) -> list[str]:
    """Return the command that runs ``command`` in a namespace."""
    return ["ip", "netns", "exec", namespace, *command]


def make_control() -> None:
    """Make the laptop's namespace with the bridge in it."""
    ip("netns", "add", CONTROL)
    ip("-n", CONTROL, "link", "set", "lo", "up")
    ip("-n", CONTROL, "link", "add", BRIDGE, "type", "bridge")
    ip("-n", CONTROL, "addr", "add", f"{GATEWAY}/{PREFIX}", "dev", BRIDGE)
    ip("-n", CONTROL, "link", "set", BRIDGE, "up")


def make_machine(name: str, address: str) -> None:
    """Make the namespace of a machine and join it to the bridge."""
    namespace = namespace_of(name)
    ip("netns", "add", namespace)
    ip("-n", namespace, "link", "set", "lo", "up")
    # Where every machine of AWS finds its own metadata.
    ip("-n", namespace, "addr", "add", "169.254.169.254/32", "dev", "lo")
    ip("-n", CONTROL, "link", "add", _link(name), "type", "veth", "peer", "name", "eth0", "netns", namespace)
    ip("-n", CONTROL, "link", "set", _link(name), "master", BRIDGE, "up")
    ip("-n", namespace, "addr", "add", f"{address}/{PREFIX}", "dev", "eth0")
    ip("-n", namespace, "link", "set", "eth0", "up")
    # It leads nowhere; Ray looks up which address it would leave from.
    ip("-n", namespace, "route", "add", "default", "via", GATEWAY)


def cut(name: str) -> None:
    """Cut the link of a machine, which runs on and reaches nobody."""
    ip("-n", CONTROL, "link", "set", _link(name), "down")


def remove(namespace: str) -> None:
    """Remove a namespace with its links."""
    ip("netns", "del", namespace, check=False)


def remove_all() -> None:
    """Remove all namespaces of the laboratory, also those that a run left which was killed."""
    listed = subprocess.run(["ip", "-json", "netns", "list"], check=True, capture_output=True, text=True).stdout
    for namespace in json.loads(listed or "[]"):
        if namespace["name"].startswith(CONTROL):
            remove(namespace["name"])


def namespace_of(name: str) -> str:
    """Return the namespace of a machine."""
    return f"{CONTROL}-{name}"


def _link(name: str) -> str:
    return f"v-{name}"
