"""`cluster submit` and `logs`: a sweep handed to a cluster, and what it prints there."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import typer

from sweeper.cli import exits
from sweeper.cli.lines import print_lines
from sweeper.cli.warning import tell_error
from sweeper.cluster.commands import ENVIRONMENT, IN_POD, resume_sweep, run_sweep
from sweeper.cluster.description import Cluster
from sweeper.cluster.jobs import Job, Jobs, jobs_of
from sweeper.cluster.reaching import head_of, login_of
from sweeper.cluster.running import Runner
from sweeper.cluster.sources import gather
from sweeper.cluster.state import State, find_cluster
from sweeper.errors import UsageError
from sweeper.search import allow
from sweeper.spec import Spec, read_spec


def submit_sweep(file: Path | None, overrides: list[str], name: str | None, resume: str | None, on: str | None) -> None:
    """Check a sweep here, and have it run on a cluster."""
    if file is None and resume is None:
        raise UsageError("found neither FILE nor --resume; must be a sweep to run, or one to go on with")
    spec = None if file is None else _checked(file, overrides)
    cluster, state = find_cluster(on)
    job = name or f"{spec.name if spec else resume}-{datetime.now():%Y%m%d-%H%M%S}"
    if cluster.kind == "kuberay":
        _submit_to_kubernetes(cluster, state, job, file, partial(_command, file, resume, overrides))
    else:
        with tempfile.TemporaryDirectory(prefix="sweeper-") as folder:
            if file is not None and spec is not None:
                gather(spec, file, Path.cwd(), Path(folder))
            with jobs_on(cluster, state) as jobs:
                jobs.submit(job, _command(file, resume, overrides, ENVIRONMENT), Path(folder))
    print_lines(f"submitted as {job}", f"next: sweeper cluster logs -f {job} --cluster {on or cluster.name}")


def print_log(name: str | None, follow: bool, on: str | None) -> None:
    """Print a job's log; of one that was followed exit with 1 where it has failed."""
    cluster, state = find_cluster(on)
    if cluster.kind == "kuberay":
        from sweeper.cluster.kuberay import sweeps

        sweeps.print_log(cluster, name, Runner(state.log, print_lines), follow=follow)
        return
    with jobs_on(cluster, state) as jobs:
        job = jobs.find(name)
        if not follow:
            _write(jobs.log(job.name))
            return
        tell_end(jobs.follow(job.name, _write))


def tell_end(job: Job) -> None:
    """Exit as a job has that did not come to its verdict."""
    if job.state == "FAILED":
        tell_error(f"job {job.name} has failed: {job.message}")
        raise typer.Exit(exits.FAILED)
    if job.state == "STOPPED":
        raise typer.Exit(exits.INTERRUPTED)


@contextmanager
def jobs_on(cluster: Cluster, state: State) -> Iterator[Jobs]:
    """Open the job API of a cluster."""
    with jobs_of(login_of(cluster, state), head_of(cluster), state.token) as jobs:
        yield jobs


def _checked(file: Path, overrides: list[str]) -> Spec:
    """Return the sweep of a file that is fit to run, as far as that can be said without its data."""
    spec = read_spec(file, overrides)
    allow(spec, workers=1)
    return spec


def _command(file: Path | None, resume: str | None, overrides: list[str], before: str) -> str:
    name = None if file is None else file.name
    if resume is not None:
        return resume_sweep(resume, name, overrides, before)
    return run_sweep(str(name), overrides, before)


def _submit_to_kubernetes(
    cluster: Cluster, state: State, job: str, file: Path | None, command: Callable[[str], str]
) -> None:
    from sweeper.cluster.kuberay import sweeps

    sweeps.check_name(job)
    sweeps.submit(cluster, job, command(IN_POD), file, Runner(state.log, print_lines))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
