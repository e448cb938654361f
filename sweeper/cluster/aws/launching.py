"""A cluster on AWS brought up and taken down: by Ray's launcher, and by us where that leaves something behind."""

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from sweeper.cluster.commands import QUIET, make_key, ray_down, ray_up
from sweeper.cluster.description import Cluster
from sweeper.cluster.reaching import key_of
from sweeper.cluster.running import Runner, Step, StepError
from sweeper.cluster.state import State
from sweeper.files import PRIVATE, write_atomically

if TYPE_CHECKING:
    from sweeper.cluster.aws.account import Left

_AGAIN = "put that right, then run the same command again"


def start(cluster: Cluster, state: State, runner: Runner) -> None:
    """Bring a cluster up, or a running one up to date; where Ray runs already, it goes on, with its sweeps."""
    from sweeper.cluster.aws.account import prepare

    key = key_of(cluster, state) or _own_key(cluster, state, runner)
    public = Path(f"{key}.pub").read_text()
    found = runner.do("prepare bucket, roles, security group and images", lambda: prepare(cluster, public))
    launcher = cluster.completed({"folder": str(state.node), "key": str(key)} | found)
    write_atomically(state.launcher, yaml.safe_dump(launcher, sort_keys=False).encode(), PRIVATE)
    runner.run(Step("start the head with Ray's launcher", ray_up(state.launcher), _AGAIN, QUIET))


def end(cluster: Cluster, state: State, runner: Runner) -> list["Left"]:
    """End all of a cluster, whatever has become of its head; return what there still is of it."""
    from sweeper.cluster.aws.account import clear, instances, left, terminate

    if state.launcher.is_file():
        try:
            runner.run(
                Step("end the cluster with Ray's launcher", ray_down(state.launcher), "going on without it", QUIET)
            )
        except StepError as error:  # What it has left behind is ended below.
            runner.say(str(error))
    running = [instance.id for instance in instances(cluster)]
    if running:
        runner.do(f"terminate what still runs: {', '.join(running)}", lambda: terminate(cluster, running))
    runner.do("remove security group, roles and key", lambda: clear(cluster))
    return runner.do("look for what is left", lambda: left(cluster))


def _own_key(cluster: Cluster, state: State, runner: Runner) -> Path:
    if not state.key.exists():
        runner.run(Step("make an SSH key of the cluster's own", make_key(state.key, cluster.name), _AGAIN))
    return state.key
