"""Sweeps on Kubernetes: each is a RayJob of the KubeRay operator, which brings machines up for it and ends them."""

import copy
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeper.cluster.commands import (
    SWEEP_FOLDER,
    kubectl_apply,
    kubectl_delete,
    kubectl_get,
    kubectl_logs,
    kubectl_names,
)
from sweeper.cluster.description import Cluster
from sweeper.cluster.running import Runner, Step
from sweeper.errors import SweeperError, UsageError

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,45}[a-z0-9])?")
"""What the operator takes for a RayJob's name: it makes longer ones of it."""
_AGAIN = "see that 'kubectl' reaches the cluster and KubeRay is installed there, then run the same command again"


def check(cluster: Cluster, runner: Runner) -> None:
    """Raise SweeperError where there is no Kubernetes, or no KubeRay in it."""
    runner.run(Step("ask Kubernetes for its RayJobs", kubectl_names(*_of(cluster)), _AGAIN))


def submit(cluster: Cluster, job: str, command: str, file: Path | None, runner: Runner) -> None:
    """Make a RayJob of a command, with the sweep's file mounted where it runs."""
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": _items(cluster, job, command, file)})
    runner.run(Step(f"make the RayJob {job}", kubectl_apply(), _AGAIN, content=manifest.encode()))


def status(cluster: Cluster, runner: Runner) -> str:
    """Return a list of a cluster's RayJobs and of their pods."""
    return runner.ask(Step("list RayJobs and pods", kubectl_get(*_of(cluster)), _AGAIN))


def print_log(cluster: Cluster, job: str | None, runner: Runner, *, follow: bool) -> None:
    """Print what a sweep's driver has printed; of no name the latest's. Raises SweeperError where kubectl fails."""
    command = kubectl_logs(job or _latest(cluster, runner), cluster.values["namespace"], follow=follow)
    if subprocess.run(command, check=False).returncode:  # noqa: S603 -- its arguments are ours, and no shell reads them
        raise SweeperError(f"the log could not be read to its end; {_AGAIN}")


def end(cluster: Cluster, runner: Runner) -> None:
    """Remove all RayJobs of a cluster, and with them their pods."""
    runner.run(Step("remove the RayJobs", kubectl_delete(*_of(cluster)), _AGAIN))


def check_name(job: str) -> None:
    """Raise UsageError where a RayJob cannot have that name."""
    if not _NAME.fullmatch(job):
        raise UsageError(
            f"found the name {job!r}; must be at most 47 lower-case letters, digits and hyphens: --name NAME"
        )


def _items(cluster: Cluster, job: str, command: str, file: Path | None) -> list[dict[str, Any]]:
    own = cluster.launcher["metadata"]
    metadata = {"namespace": own["namespace"], "labels": own["labels"]}
    content = {} if file is None else {file.name: file.read_text()}
    files = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "name": f"{job}-sweep"}, "data": content}
    return [files, _ray_job(cluster.launcher, job, command)]


def _ray_job(launcher: Mapping[str, Any], job: str, command: str) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(dict(launcher))
    made["metadata"]["name"] = job
    made["spec"]["entrypoint"] = command
    pod = made["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    pod.setdefault("volumes", []).append({"name": "sweep", "configMap": {"name": f"{job}-sweep"}})
    pod["containers"][0].setdefault("volumeMounts", []).append({"name": "sweep", "mountPath": SWEEP_FOLDER})
    return made


def _latest(cluster: Cluster, runner: Runner) -> str:
    names = runner.ask(Step("list RayJobs", kubectl_names(*_of(cluster)), _AGAIN)).splitlines()
    if not names:
        raise UsageError("no sweep was submitted; 'sweeper cluster submit FILE' submits one")
    return names[-1].rpartition("/")[2]


def _of(cluster: Cluster) -> tuple[str, str]:
    return cluster.name, cluster.values["namespace"]
