"""`cluster attach`: the table of a sweep that runs on a cluster, again and again until it ends."""

import time

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sweeper.cli.cluster.sweeping import jobs_on, tell_end
from sweeper.cli.lines import print_lines
from sweeper.cluster.commands import show_sweep, ssh
from sweeper.cluster.description import Cluster
from sweeper.cluster.jobs import Job, Jobs
from sweeper.cluster.reaching import head_of, login_of
from sweeper.cluster.running import Runner, Step
from sweeper.cluster.state import State, find_cluster
from sweeper.errors import UsageError

EVERY = 5.0
"""Seconds from one look at a sweep to the next."""


def watch(name: str | None, on: str | None) -> None:
    """Show a sweep as 'sweeper show' does on the head; leave it alone on Ctrl-C."""
    cluster, state = find_cluster(on)
    if cluster.kind == "kuberay":
        raise UsageError("found a cluster of kind kuberay; must be followed with: sweeper cluster logs -f")
    console = Console()
    with jobs_on(cluster, state) as jobs:
        look, job = _Look(cluster, state, jobs), jobs.find(name)
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while not job.has_ended:
                live.update(Text(_last(look.at(job), console.height - 1), no_wrap=True), refresh=True)
                time.sleep(EVERY)
                job = jobs.find(job.name)
        print_lines(look.at(job))
    tell_end(job)


class _Look:
    """Looks at the sweeps of one cluster."""

    def __init__(self, cluster: Cluster, state: State, jobs: Jobs) -> None:
        self._login, self._head = login_of(cluster, state), head_of(cluster)
        self._jobs = jobs
        self._runner = Runner(state.log, print_lines)

    def at(self, job: Job) -> str:
        """Return how a job stands: of a sweep its tables, before it has begun what it has printed."""
        sweep = self._jobs.sweep_of(job.name)
        if sweep is None:
            return f"{self._jobs.log(job.name)}job {job.name}: {job.state}"
        command = ssh(self._login, self._head, show_sweep(sweep))
        shown = self._runner.ask(Step(f"show {sweep}", command, "follow it with: sweeper cluster logs -f"))
        return f"{shown}\njob {job.name}: {job.state}"


def _last(text: str, most: int) -> str:
    """Return the last lines of a text, as many as a terminal has: there are the newest trials, and the verdict."""
    return "\n".join(text.splitlines()[-most:])
