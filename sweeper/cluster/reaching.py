"""The head of a cluster: where it is, and its ports brought to this computer."""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sweeper.cluster.commands import LOOPBACK, Login, Machine, tunnel
from sweeper.cluster.description import Cluster
from sweeper.cluster.running import reason
from sweeper.cluster.state import State
from sweeper.errors import SweeperError

PATIENCE = 60.0
"""Seconds for a tunnel to stand; ssh itself gives up sooner where nobody answers."""


def key_of(cluster: Cluster, state: State) -> Path | None:
    """Return the private key for a cluster's machines; ``None`` leaves the choice to ssh, or there is none yet."""
    named = cluster.values["ssh"]["key"]
    if named is not None:
        return Path(named).expanduser().absolute()
    return state.key if state.key.exists() else None


def login_of(cluster: Cluster, state: State) -> Login:
    """Return how to log in to the machines of a cluster of AWS or of own machines."""
    return Login(cluster.values["ssh"]["user"], key_of(cluster, state), state.known_hosts)


def head_of(cluster: Cluster) -> Machine:
    """Return the head of a cluster; raise SweeperError where there is none."""
    if cluster.kind == "machines":
        return Machine(cluster.values["head"])
    from sweeper.cluster.aws.account import instances  # boto3, which takes a while to import.

    for instance in instances(cluster):
        if instance.role == "head" and instance.state == "running" and instance.address is not None:
            return Machine(instance.address, known_as=instance.id)
    raise SweeperError(f"cluster {cluster.name}: no head runs; 'sweeper cluster up FILE' brings one up")


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def forwarded(login: Login, machine: Machine, ports: Mapping[int, int]) -> Iterator["subprocess.Popen[str]"]:
    """Bring ports of a machine's loopback to ours, here to there, for as long as this lasts.

    Raises SweeperError where that fails.
    """
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(  # noqa: S603 -- its arguments are ours, and no shell reads them
            tunnel(login, machine, ports), stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, text=True
        )
        try:
            if not _stands(process, ports):
                process.kill()
                process.wait()
                printed.seek(0)
                why = reason(printed.read().splitlines()) or "it did not come about"
                raise SweeperError(f"tunnel to {machine.host}: {why}; see that the machine runs and lets you in by SSH")
            yield process
        finally:
            process.terminate()
            process.wait()


def _stands(process: "subprocess.Popen[str]", ports: Mapping[int, int]) -> bool:
    """Wait until all ports are open; return False where ssh ends before that, or is not done in time."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if all(map(_is_open, ports)):
            return True
        time.sleep(0.05)
    return False


def _is_open(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False
