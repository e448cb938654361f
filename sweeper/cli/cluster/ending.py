"""`cluster down`: a question, everything ended, and a list of what still exists."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from sweeper.analysis import Table
from sweeper.cli import exits
from sweeper.cli.asking import agreed
from sweeper.cli.lines import print_lines
from sweeper.cli.tables import print_table
from sweeper.cli.warning import tell_error
from sweeper.cluster.description import Cluster
from sweeper.cluster.reaching import login_of
from sweeper.cluster.running import Runner
from sweeper.cluster.state import State, find_cluster

if TYPE_CHECKING:
    from sweeper.cluster.aws.account import Left


def take_down(named: str | None, yes: bool) -> None:
    """End a cluster; what is known of it here goes when nothing is left that costs money."""
    cluster, state = find_cluster(named)
    console = Console()
    if not yes and not agreed(f"{_described(cluster)}; end it, with all that runs on it?"):
        print_lines("nothing was ended")
        raise typer.Exit(exits.FAILED)
    state.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # For the log, of a cluster started elsewhere.
    runner = Runner(state.log, print_lines)
    _end(cluster, state, runner, console)
    state.forget()
    print_lines(f"cluster {cluster.name} is down; sweeps stay in {cluster.home}")


def _end(cluster: Cluster, state: State, runner: Runner, console: Console) -> None:
    if cluster.kind == "machines":
        from sweeper.cluster.machines.over_ssh import Machines

        Machines(cluster, login_of(cluster, state), runner).stop()
    elif cluster.kind == "kuberay":
        from sweeper.cluster.kuberay.sweeps import end

        end(cluster, runner)
    else:
        from sweeper.cluster.aws.launching import end as end_on_aws

        _tell_left(end_on_aws(cluster, state, runner), console)


def _tell_left(left: Sequence["Left"], console: Console) -> None:
    """Print what still exists; exit with 1, and a line for each, where some of it costs money."""
    if left:
        print_table(console, _table(left))
    costly = [what for what in left if what.costs]
    for what in costly:
        tell_error(f"{what.kind} {what.name} still exists and costs money; remove it: {what.remove}")
    if costly:
        raise typer.Exit(exits.FAILED)


def _table(left: Sequence["Left"]) -> Table:
    rows = ((what.kind, what.name, "yes" if what.costs else "no", what.remove) for what in left)
    return Table(("still there", "name", "costs money", "to remove it"), tuple(rows))


def _described(cluster: Cluster) -> str:
    if cluster.kind == "machines":
        return f"cluster {cluster.name}: Ray on {', '.join([cluster.values['head'], *cluster.values['workers']])}"
    if cluster.kind == "kuberay":
        return f"cluster {cluster.name}: its RayJobs in the namespace {cluster.values['namespace']}"
    from sweeper.cluster.aws.account import instances

    found = instances(cluster)
    return f"cluster {cluster.name} in {cluster.values['region']}: {len(found)} machines run"
