"""`cluster status`, `cost` and `tunnel`: what a cluster is and does, and ways to look at it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console

from sweeper.analysis import Table
from sweeper.cli.cluster.prices import prices_of, shown_price
from sweeper.cli.lines import print_lines
from sweeper.cli.tables import print_table
from sweeper.cluster.billing import PriceOf, Sum, hours
from sweeper.cluster.commands import ray_status, ssh
from sweeper.cluster.description import Cluster
from sweeper.cluster.jobs import DASHBOARD_PORT, Job, jobs_of
from sweeper.cluster.reaching import forwarded, head_of, login_of
from sweeper.cluster.running import Runner, Step
from sweeper.cluster.state import State, find_cluster
from sweeper.errors import SweeperError, UsageError

if TYPE_CHECKING:
    from sweeper.cluster.aws.account import Instance

MLFLOW_PORT = 5000
"""Where the head's server listens that `cluster/machines.yaml` leaves to its owner."""


def show_status(named: str | None) -> None:
    """Print what there is of a cluster, then what Ray on its head says."""
    cluster, state = find_cluster(named)
    console = Console()
    if cluster.kind == "kuberay":
        from sweeper.cluster.kuberay.sweeps import status

        print_lines(status(cluster, _runner(state)))
        return
    if cluster.kind == "aws":
        _print_instances(cluster, console)
    head, login = head_of(cluster), login_of(cluster, state)
    remedy = f"see that the head runs, or bring it up again: sweeper cluster up {state.file}"
    print_lines(_runner(state).ask(Step("ask Ray on the head", ssh(login, head, ray_status()), remedy)))
    with jobs_of(login, head, state.token) as jobs:
        print_table(console, _jobs_table(jobs.all()))


def show_cost(named: str | None) -> None:
    """Print what each machine of a cluster has cost, as far as AWS still knows of it."""
    cluster, _ = find_cluster(named)
    if cluster.kind != "aws":
        raise UsageError(f"found a cluster of kind {cluster.kind}; must be one on AWS, for others no price is known")
    from sweeper.cluster.aws.account import instances

    console, now = Console(), datetime.now(UTC)
    found, price_of = instances(cluster, ended=True), prices_of(cluster)
    used = [_used(instance, price_of, now) for instance in found]
    print_table(console, _cost_table(found, used))
    print_lines(
        f"{Sum.of(used).shown(' so far')}, at the prices of now",
        "of machines that ended more than about an hour ago AWS tells nothing; the bill does, by the tag "
        f"sweeper:cluster = {cluster.name}, a day later",
    )


def open_tunnel(named: str | None, mlflow_port: int, dashboard_port: int) -> None:
    """Forward ports until Ctrl-C, or until the connection breaks."""
    cluster, state = find_cluster(named)
    if cluster.kind == "kuberay":
        raise UsageError("found a cluster of kind kuberay; 'kubectl port-forward' opens a tunnel to its pods")
    there = cluster.values.get("mlflow", {}).get("port", MLFLOW_PORT)
    ports = {mlflow_port: there, dashboard_port: DASHBOARD_PORT}
    with forwarded(login_of(cluster, state), head_of(cluster), ports) as process:
        print_lines(
            f"MLflow           http://127.0.0.1:{mlflow_port}",
            f"Ray's dashboard  http://127.0.0.1:{dashboard_port}, which asks for the token in {state.token}",
            "Ctrl-C closes both",
        )
        process.wait()
    raise SweeperError("the tunnel has broken; call it again")


def _print_instances(cluster: Cluster, console: Console) -> None:
    from sweeper.cluster.aws.account import instances

    found, price_of = instances(cluster), prices_of(cluster)
    print_table(console, _instances_table(found, price_of))
    now = Sum.of((price_of(instance.type, instance.market), 1) for instance in found)
    print_lines(now.shown(" per hour now"))


def _instances_table(found: Sequence["Instance"], price_of: PriceOf) -> Table:
    rows = (
        (i.id, i.group, i.type, i.market, i.state, i.address or "-", _moment(i.launched), price)
        for i, price in ((i, shown_price(price_of(i.type, i.market))) for i in found)
    )
    return Table(("instance", "group", "type", "market", "state", "address", "since", "USD per hour"), tuple(rows))


def _cost_table(found: Sequence["Instance"], used: Sequence[tuple[float | None, float]]) -> Table:
    rows = (
        (i.id, i.group, i.type, i.market, i.state, f"{time:.2f}", shown_price(price), shown_price(_times(price, time)))
        for i, (price, time) in zip(found, used, strict=True)
    )
    return Table(("instance", "group", "type", "market", "state", "hours", "USD per hour", "USD"), tuple(rows))


def _used(instance: "Instance", price_of: PriceOf, now: datetime) -> tuple[float | None, float]:
    """Return price and hours of a machine; no price where AWS does not say when it ended."""
    if instance.ended is None and instance.state == "terminated":
        return None, hours(instance.launched, now)
    return price_of(instance.type, instance.market), hours(instance.launched, instance.ended or now)


def _times(price: float | None, amount: float) -> float | None:
    return None if price is None else price * amount


def _jobs_table(jobs: Sequence[Job]) -> Table:
    rows = ((job.name, job.state, _moment(job.begun), _moment(job.ended)) for job in jobs)
    return Table(("job", "state", "begun", "ended"), tuple(rows))


def _moment(time: datetime | None) -> str:
    return "-" if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def _runner(state: State) -> Runner:
    return Runner(state.log, print_lines)
