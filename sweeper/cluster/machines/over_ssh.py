"""A cluster of own machines: Ray started and ended on each by SSH, all machines at once."""

import io
import tarfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sweeper.cluster.commands import Login, Machine, receive, script, ssh
from sweeper.cluster.description import Cluster
from sweeper.cluster.running import Runner, Step, StepError
from sweeper.errors import SweeperError

MOST_AT_ONCE = 16
"""Machines that are talked to at the same time."""


@dataclass(frozen=True)
class Machines:
    """The machines of a cluster, and how to have commands run on them."""

    cluster: Cluster
    login: Login
    runner: Runner

    @property
    def head(self) -> str:
        """The machine that sweeps are driven from."""
        return str(self.cluster.values["head"])

    @property
    def workers(self) -> list[str]:
        """All others."""
        return list(self.cluster.values["workers"])

    def start(self, node: Path) -> None:
        """Install on all what is in a folder, then start Ray on the head, then on the others.

        Where it runs already, it goes on. Raises SweeperError where a machine fails, after all others were tried.
        """
        content = packed(node)
        _raise_first(_tried([self.head, *self.workers], partial(self._install, content)))
        self._run("start Ray", "start_ray_commands", _REPAIR, self.head)
        _raise_first(_tried(self.workers, partial(self._run, "start Ray", "start_ray_commands", _REPAIR)))

    def stop(self) -> None:
        """End Ray on all machines, the head last; raise SweeperError where it may still run."""
        end = partial(self._run, "stop Ray", "stop_commands", _STILL)
        _raise_first([*_tried(self.workers, end), *_tried([self.head], end)])

    def _install(self, content: bytes, host: str) -> None:
        receiving = ssh(self.login, Machine(host), receive())
        self.runner.run(Step(f"send to {host}", receiving, _LET_IN, content=content))
        self._run("install", "setup_commands", _REPAIR, host)

    def _run(self, what: str, commands: str, remedy: str, host: str) -> None:
        """Run the commands that the cluster's file has for all machines, and those for one in its place."""
        role, launcher = "head" if host == self.head else "worker", self.cluster.launcher
        own = [*launcher.get(commands, ()), *launcher.get(f"{role}_{commands}", ())]
        command = ssh(self.login, Machine(host), script(self.head, own))
        self.runner.run(Step(f"{what} on {host}", command, remedy))


def _tried(machines: Sequence[str], do: Callable[[str], None]) -> list[StepError]:
    def attempt(host: str) -> StepError | None:
        try:
            do(host)
        except StepError as error:
            return error
        return None

    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        return [error for error in pool.map(attempt, machines) if error is not None]


def _raise_first(errors: Sequence[StepError]) -> None:
    if errors:
        others = f"; {len(errors) - 1} more failed" if len(errors) > 1 else ""
        raise SweeperError(f"{errors[0]}{others}")


def packed(folder: Path) -> bytes:
    """Return the files of a folder as a tar, with their modes and without their owner."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name, filter=_nobodys)
    return packed.getvalue()


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


_AGAIN = "then run the same command again"
_LET_IN = f"see that 'ssh' to it works without a password, {_AGAIN}"
_REPAIR = f"put that right on the machine, {_AGAIN}"
_STILL = f"Ray may still run there: see that 'ssh' to it works, {_AGAIN}"
