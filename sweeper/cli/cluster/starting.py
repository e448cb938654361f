"""`cluster up`: what will start, what it costs, a question, and then one step after another."""

from pathlib import Path

import typer
from rich.console import Console

from sweeper.analysis import Table
from sweeper.cli import exits
from sweeper.cli.asking import agreed
from sweeper.cli.cluster.prices import prices_of, shown_price
from sweeper.cli.cluster.sweeping import jobs_on
from sweeper.cli.lines import print_lines
from sweeper.cli.tables import print_table
from sweeper.cluster.billing import Group, at_least, at_most, groups_of
from sweeper.cluster.config import read_cluster
from sweeper.cluster.description import Cluster
from sweeper.cluster.reaching import login_of
from sweeper.cluster.running import Runner
from sweeper.cluster.state import State, find_cluster, known, state_of
from sweeper.cluster.wheel import build, check_committed, find_checkout
from sweeper.commit import commit_of
from sweeper.errors import SweeperError, UsageError


def bring_up(file: Path, overrides: list[str], yes: bool, committed: bool) -> None:
    """Bring the cluster of a file up. Nothing is written or started before all checks and the answer."""
    cluster = read_cluster(file, overrides)
    _check_place(cluster, file)
    state = state_of(cluster.name)
    if cluster.kind == "kuberay":
        _remember(cluster, state, file, overrides)
        return
    checkout = find_checkout()
    if not committed:
        check_committed(checkout)
    _check_idle(cluster, state, str(commit_of(checkout)))
    print_lines(*_described(cluster), f"version: commit {commit_of(checkout)}")
    if not yes and not agreed("start it?"):
        print_lines("nothing was started")
        raise typer.Exit(exits.FAILED)
    try:
        _start(cluster, state, checkout, file, overrides)
    except KeyboardInterrupt:
        print_lines(f"interrupted; what has started goes on until: sweeper cluster down {cluster.name}")
        raise
    _tell_next(cluster, "is up")


def _start(cluster: Cluster, state: State, checkout: Path, file: Path, overrides: list[str]) -> None:
    state.begin(file, overrides)
    state.make_token()
    state.write_environment(cluster.environment)
    runner = Runner(state.log, print_lines, secrets=(state.token.read_text(),))
    build(checkout, state.node, runner)
    if cluster.kind == "aws":
        from sweeper.cluster.aws.launching import start

        start(cluster, state, runner)
    else:
        from sweeper.cluster.machines.over_ssh import Machines

        Machines(cluster, login_of(cluster, state), runner).start(state.node)


def _remember(cluster: Cluster, state: State, file: Path, overrides: list[str]) -> None:
    """Take note of a Kubernetes, which brings machines up for each sweep; there is nothing to start."""
    from sweeper.cluster.kuberay.sweeps import check

    state.begin(file, overrides)
    check(cluster, Runner(state.log, print_lines))
    _tell_next(cluster, "is ready: machines come with each sweep, and go with it")


def _tell_next(cluster: Cluster, what: str) -> None:
    print_lines(
        f"cluster {cluster.name} {what}; sweeps are in {cluster.home}",
        f"next: sweeper cluster submit FILE --cluster {cluster.name}",
    )


def _described(cluster: Cluster) -> tuple[str, ...]:
    """Print what will start; return lines that sum it up."""
    if cluster.kind == "machines":
        workers = ", ".join(cluster.values["workers"]) or "none"
        return (
            f"cluster {cluster.name}: Ray on your own machines",
            f"head: {cluster.values['head']}; workers: {workers}",
        )
    groups = groups_of(cluster.launcher, prices_of(cluster))
    print_table(Console(), _table(groups))
    most = at_most(groups, cluster.launcher["max_workers"]).shown(" per hour")
    least = at_least(groups).shown(" per hour")
    return (
        f"cluster {cluster.name} in {cluster.values['region']}: {least} without work",
        f"with {cluster.launcher['max_workers']} of the dearest workers, as many as there may be: {most}",
        "disks, addresses, traffic and what lies in the bucket are not in that",
    )


def _table(groups: list[Group]) -> Table:
    rows = ((g.name, g.type, g.market, str(g.least), str(g.most), shown_price(g.price)) for g in groups)
    return Table(("group", "type", "market", "at least", "at most", "USD per hour"), tuple(rows))


def _check_idle(cluster: Cluster, state: State, commit: str) -> None:
    """Refuse to install another version beneath a sweep that runs."""
    if all(f"+g{commit}-" in wheel.name for wheel in state.node.glob("sweeper-*.whl")):
        return
    try:
        with jobs_on(cluster, state) as jobs:
            running = [job.name for job in jobs.all() if not job.has_ended]
    except SweeperError:  # Where there is no head, or no Ray on it, nothing runs.
        return
    if running:
        raise UsageError(
            f"found the job {running[0]} running on another version; must end before commit {commit} is installed"
        )


def _check_place(cluster: Cluster, file: Path) -> None:
    """Refuse to lose sight of a cluster that is up under the same name somewhere else."""
    if cluster.name in known():
        before, _ = find_cluster(cluster.name)
        if _place(before) != _place(cluster):
            raise UsageError(
                f"{file}: found the name {cluster.name!r}, which a cluster in {_place(before)} has; must be another "
                f"one, or that one taken down before: sweeper cluster down {cluster.name}"
            )


def _place(cluster: Cluster) -> str:
    return str(next(cluster.values[key] for key in ("region", "head", "namespace") if key in cluster.values))
