"""Protects every command line that `sweeper cluster` runs: each is compared with a text that people can read.

After a change on purpose, `python -m pytest tests/cluster/test_cluster_commands.py` says what differs, and with
``GOLDEN=write`` in its environment it writes the texts anew.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sweeper.cluster import commands
from sweeper.cluster.commands import Login, Machine
from sweeper.cluster.config import read_cluster
from sweeper.cluster.description import Cluster
from sweeper.cluster.machines.over_ssh import Machines
from sweeper.cluster.reaching import login_of
from sweeper.cluster.running import Runner, Step
from sweeper.cluster.state import State

GOLDEN = Path(__file__).parent / "golden"
FILES = Path(__file__).parents[2] / "cluster"
STATE = State(Path("/home/ada/.sweeper/clusters/sweeps"))
LOGIN = Login("ubuntu", STATE.key, STATE.known_hosts)
HEAD = Machine("203.0.113.20", known_as="i-0123456789abcdef0")
OWN = ("head=gpu1", "workers=[gpu2, gpu3]", "ssh.user=ada", "home=/shared/sweeps")

WRITTEN: dict[str, Callable[[], Sequence[str]]] = {
    "aws-up": lambda: commands.ray_up(STATE.launcher),
    "aws-down": lambda: commands.ray_down(STATE.launcher),
    "aws-key": lambda: commands.make_key(STATE.key, "sweeps"),
    "aws-status": lambda: commands.ssh(LOGIN, HEAD, commands.ray_status()),
    "aws-attach": lambda: commands.ssh(LOGIN, HEAD, commands.show_sweep("conv-vs-fc-20261121-150000-36d66f")),
    "aws-tunnel": lambda: commands.tunnel(LOGIN, HEAD, {5000: 5000, 8265: 8265}),
    "kubernetes-status": lambda: commands.kubectl_get("sweeps", "vision"),
    "kubernetes-names": lambda: commands.kubectl_names("sweeps", "vision"),
    "kubernetes-submit": lambda: commands.kubectl_apply(),
    "kubernetes-job": lambda: [commands.run_sweep("conv.yaml", [], commands.IN_POD)],
    "kubernetes-logs": lambda: commands.kubectl_logs("conv-20261121-150000", "vision", follow=True),
    "kubernetes-down": lambda: commands.kubectl_delete("sweeps", "vision"),
    "submit": lambda: [commands.run_sweep("conv vs fc.yaml", ["sweep.trials=80", "data.name=mnist"])],
    "resume": lambda: [commands.resume_sweep("latest", "wider.yaml", ["sweep.trials=80"])],
}


class Recorder(Runner):
    """Notes steps in the place of running them."""

    def __init__(self) -> None:
        super().__init__(Path(os.devnull), lambda _: None)
        self.steps: list[Step] = []

    def run(self, step: Step) -> str:
        self.steps.append(step)
        return ""

    def named(self, name: str) -> Sequence[str]:
        (command,) = [step.command for step in self.steps if step.name == name]
        return command


def own_machines() -> tuple[Cluster, Login]:
    cluster = read_cluster(FILES / "machines.yaml", OWN)
    return cluster, login_of(cluster, STATE)


def shown(command: Sequence[str]) -> str:
    """Return a command with one word in each line, an option together with its value."""
    here = str(Path(sys.executable).parent)
    words = [word.replace(here, "/environment/bin") or "(nothing)" for word in command]
    return "\n".join(words).replace("-o\n", "-o ").replace("-i\n", "-i ").replace("-L\n", "-L ") + "\n"


def check(name: str, command: Sequence[str]) -> None:
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        file.write_text(shown(command))
    assert shown(command) == file.read_text()


@pytest.mark.parametrize("name", WRITTEN)
def test_the_command_is_as_written(name: str) -> None:
    check(name, WRITTEN[name]())


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("machines-send", "send to gpu2"),
        ("machines-install", "install on gpu2"),
        ("machines-start-head", "start Ray on gpu1"),
        ("machines-start-worker", "start Ray on gpu2"),
    ],
)
def test_what_brings_own_machines_up_is_as_written(name: str, step: str, tmp_path: Path) -> None:
    recorder = Recorder()
    Machines(*own_machines(), recorder).start(tmp_path)
    check(name, recorder.named(step))


@pytest.mark.parametrize(
    ("name", "step"), [("machines-stop-head", "stop Ray on gpu1"), ("machines-stop-worker", "stop Ray on gpu3")]
)
def test_what_takes_own_machines_down_is_as_written(name: str, step: str) -> None:
    recorder = Recorder()
    Machines(*own_machines(), recorder).stop()
    check(name, recorder.named(step))


def test_machines_start_after_their_head_and_stop_before_it(tmp_path: Path) -> None:
    recorder = Recorder()
    machines = Machines(*own_machines(), recorder)
    machines.start(tmp_path)
    machines.stop()
    names = [step.name for step in recorder.steps]
    started = [name for name in names if name.startswith("start")]
    assert started[0] == "start Ray on gpu1"
    assert sorted(started[1:]) == ["start Ray on gpu2", "start Ray on gpu3"]
    assert names[-1] == "stop Ray on gpu1"
    assert max(names.index(f"install on gpu{number}") for number in (1, 2, 3)) < names.index("start Ray on gpu1")


def test_every_text_is_of_a_command() -> None:
    kept = {path.stem for path in GOLDEN.glob("*.txt")}
    machines = {
        f"machines-{what}" for what in ("send", "install", "start-head", "start-worker", "stop-head", "stop-worker")
    }
    assert kept == {*WRITTEN, *machines}


def test_no_command_asks_for_a_password_or_trusts_a_changed_machine() -> None:
    for name, command in WRITTEN.items():
        words = command()
        if words[0] == "ssh":
            assert "BatchMode=yes" in words, name
            assert "StrictHostKeyChecking=accept-new" in words, name
