"""Gives every instance that moto says is running a body: a machine in namespaces of its own, at the instance's address.

Called as ``bodies.py LABORATORY``; ends, and takes every body with it, at SIGTERM.
"""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import boto3
from network import inside, make_machine, namespace_of, remove

HERE = Path(__file__).parent
POLL = 0.3
ALIVE, ENDED = ("pending", "running"), ("shutting-down", "terminated", "stopping", "stopped")
GONE = "gone"
"""The file in a machine's folder that says that no process of it is left."""
ISOLATED = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"]


@dataclass(frozen=True)
class Body:
    """A machine that runs."""

    name: str
    folder: Path
    process: subprocess.Popen[bytes]

    def end(self) -> None:
        """Take the machine away, as pulling its plug would."""
        self.process.kill()
        self.process.wait()
        remove(namespace_of(self.name))
        (self.folder / GONE).touch()


class Bodies:
    """All machines, kept to what moto says."""

    def __init__(self, laboratory: Path, ec2: Any) -> None:
        self._laboratory = laboratory
        self._ec2 = ec2
        self._bodies: dict[str, Body] = {}

    def follow(self) -> None:
        """Begin the bodies of instances that run, and end those of instances that do not."""
        reservations = self._ec2.describe_instances()["Reservations"]
        instances = [instance for reservation in reservations for instance in reservation["Instances"]]
        states = {instance["InstanceId"]: instance for instance in instances}
        for identity, instance in states.items():
            state = instance["State"]["Name"]
            if state in ALIVE and identity not in self._bodies:
                self._bodies[identity] = self._begin(identity, instance)
        for identity in list(self._bodies):
            if identity not in states or states[identity]["State"]["Name"] in ENDED:
                self._bodies.pop(identity).end()

    def end(self) -> None:
        """End them all."""
        for identity in list(self._bodies):
            self._bodies.pop(identity).end()

    def _begin(self, identity: str, instance: dict[str, Any]) -> Body:
        name = name_of(identity)
        machine = self._laboratory / "machines" / name
        home = machine / "tmp" / "home"
        (home / ".ssh").mkdir(parents=True)
        (machine / "tmp").chmod(0o1777)
        (machine / "instance").write_text(identity)
        (home / ".ssh" / "authorized_keys").write_text(self._public_key(instance["KeyName"]))
        for start_up in (".bashrc", ".profile"):
            shutil.copy(self._laboratory / "environment.sh", home / start_up)
        shutil.copytree(self._laboratory / "venv", home / "venv", symlinks=True)
        make_machine(name, instance["PrivateIpAddress"])
        command = [*ISOLATED, str(HERE / "machine.sh"), str(self._laboratory), name]
        with (machine / "console.log").open("wb") as console:
            process = subprocess.Popen(
                inside(namespace_of(name), command),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "LAB_PYTHON": sys.executable},
            )
        return Body(name, machine, process)

    def _public_key(self, name: str) -> str:
        pairs = self._ec2.describe_key_pairs(KeyNames=[name], IncludePublicKey=True)["KeyPairs"]
        return str(pairs[0]["PublicKey"])


def name_of(identity: str) -> str:
    """Return the short name of an instance's machine: a link's name has 15 letters at most."""
    return identity.removeprefix("i-")[:8]


def main() -> None:
    """Follow moto until told to end."""
    over = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    bodies = Bodies(Path(sys.argv[1]), boto3.client("ec2"))
    try:
        while not over.wait(POLL):
            bodies.follow()
    finally:
        bodies.end()


if __name__ == "__main__":
    main()
