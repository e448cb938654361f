"""The commands for a cluster. Like all others they import what they need when they are called."""

from pathlib import Path
from typing import Annotated

import typer

from sweeper.cli.options import Overrides

commands = typer.Typer(
    help="Sweep on AWS, on your own machines, or on Kubernetes.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ClusterName = Annotated[
    str | None,
    typer.Argument(metavar="CLUSTER", help="Name of a cluster, or its file. Default: the only one started from here."),
]
OnCluster = Annotated[
    str | None,
    typer.Option("--cluster", envvar="SWEEPER_CLUSTER", help="Name or file of the cluster. Default: the only one."),
]
JobName = Annotated[str | None, typer.Argument(metavar="JOB", help="As 'submit' has named it. Default: the latest.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@commands.command()
def up(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The cluster, such as cluster/aws.yaml.")],
    overrides: Overrides = None,
    yes: Yes = False,
    committed: Annotated[
        bool, typer.Option("--committed", help="Install the last commit, without what has changed since.")
    ] = False,
) -> None:
    """Bring a cluster up, or a running one up to date, after showing what will start and what it costs."""
    from sweeper.cli.cluster.starting import bring_up

    bring_up(file, overrides or [], yes, committed)


@commands.command()
def status(cluster: ClusterName = None) -> None:
    """Show a cluster's machines, what they cost per hour, what Ray has, and the sweeps that were submitted."""
    from sweeper.cli.cluster.showing import show_status

    show_status(cluster)


@commands.command()
def submit(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The sweep, as YAML.", show_default=False)
    ] = None,
    overrides: Overrides = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the job. Default: the sweep's, and the time.")] = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="SWEEP", help="Go on with this one, under FILE where one is given."),
    ] = None,
    cluster: OnCluster = None,
) -> None:
    """Run a sweep on a cluster; it goes on without this computer."""
    from sweeper.cli.cluster.sweeping import submit_sweep

    submit_sweep(file, overrides or [], name, resume, cluster)


@commands.command()
def logs(
    job: JobName = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the sweep ends; 1 where it failed.")] = False,
    cluster: OnCluster = None,
) -> None:
    """Print what a submitted sweep has printed."""
    from sweeper.cli.cluster.sweeping import print_log

    print_log(job, follow, cluster)


@commands.command()
def attach(job: JobName = None, cluster: OnCluster = None) -> None:
    """Watch the table of a submitted sweep until it ends; Ctrl-C leaves it alone."""
    from sweeper.cli.cluster.watching import watch

    watch(job, cluster)


@commands.command()
def tunnel(
    cluster: ClusterName = None,
    mlflow_port: Annotated[int, typer.Option("--mlflow-port", min=1, max=65535, help="Here, for MLflow.")] = 5000,
    dashboard_port: Annotated[
        int, typer.Option("--dashboard-port", min=1, max=65535, help="Here, for Ray's dashboard.")
    ] = 8265,
) -> None:
    """Bring MLflow and Ray's dashboard to this computer's loopback address until Ctrl-C."""
    from sweeper.cli.cluster.showing import open_tunnel

    open_tunnel(cluster, mlflow_port, dashboard_port)


@commands.command()
def down(cluster: ClusterName = None, yes: Yes = False) -> None:
    """End a cluster, and list what still exists of it; 1 where something is left that costs money."""
    from sweeper.cli.cluster.ending import take_down

    take_down(cluster, yes)


@commands.command()
def cost(cluster: ClusterName = None) -> None:
    """Show what a cluster on AWS has cost so far, machine by machine."""
    from sweeper.cli.cluster.showing import show_cost

    show_cost(cluster)
