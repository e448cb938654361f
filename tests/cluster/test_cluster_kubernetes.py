"""Protects sweeps on Kubernetes: what is asked of `kubectl`, and the RayJob that it is given."""

import json
from pathlib import Path
from typing import Any

import pytest
from cluster_calling import Ended, Sweeper
from fakes import Fakes

from sweeper.cluster.config import read_cluster
from sweeper.cluster.kuberay.sweeps import _items

FILE = Path(__file__).parents[2] / "cluster" / "kuberay.yaml"
OWN = ("image=example.org/sweeper:1", "home=s3://bucket/sweeps", "namespace=vision")
SWEEP = """\
name: small
data: {name: digits}
model: {name: vae, latent_dim: 2, backbone: {name: fc, hidden: 16}}
objective: {name: elbo}
training: {epochs: 1, batch_size: 64, optimizer: {name: adam, lr: 0.001}}
sweep: {trials: 1, stopping: none, finals: none}
"""


@pytest.fixture
def sweep(place: Path) -> Path:
    (place / "small.yaml").write_text(SWEEP)
    return place / "small.yaml"


def up(sweeper: Sweeper) -> Ended:
    return sweeper("cluster", "up", str(FILE), *(word for value in OWN for word in ("--set", value)))


def manifest(file: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    files, job = _items(read_cluster(FILE, OWN), "small-1", "the command", file)
    return files, job


def test_up_takes_note_and_starts_nothing(sweeper: Sweeper, fakes: Fakes) -> None:
    ended = up(sweeper)
    assert (ended.code, ended.err) == (0, "")
    (call,) = fakes.calls()
    assert call.startswith("kubectl\nget\nrayjobs\n-n\nvision\n")
    assert "cluster sweeps is ready: machines come with each sweep, and go with it" in ended.out


def test_without_kuberay_up_says_so(sweeper: Sweeper, fakes: Fakes) -> None:
    fakes.fail("rayjobs", 'error: the server doesn\'t have a resource type "rayjobs"')
    complaint = up(sweeper).complaint
    assert complaint.startswith("error: ask Kubernetes for its RayJobs: error: the server doesn't have a resource type")
    assert "KubeRay is installed there" in complaint


def test_a_rayjob_runs_the_sweep_from_its_file(sweep: Path) -> None:
    files, job = manifest(sweep)
    assert (files["kind"], files["data"]) == ("ConfigMap", {"small.yaml": SWEEP})
    assert job["metadata"] == {"name": "small-1", "namespace": "vision", "labels": {"sweeper": "sweeps"}}
    assert job["spec"]["entrypoint"] == "the command"
    pod = job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    assert pod["volumes"] == [{"name": "sweep", "configMap": {"name": files["metadata"]["name"]}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "sweep", "mountPath": "/sweep"}]
    assert json.dumps(job)


def test_submit_makes_it_and_names_it(sweeper: Sweeper, fakes: Fakes, sweep: Path) -> None:
    up(sweeper)
    ended = sweeper("cluster", "submit", "small.yaml", "--name", "first")
    assert (ended.code, ended.err) == (0, "")
    assert fakes.calls()[-1].split() == ["kubectl", "apply", "-f", "-"]
    assert "next: sweeper cluster logs -f first --cluster sweeps" in ended.out


def test_a_name_that_kubernetes_refuses_is_refused_before(sweeper: Sweeper, fakes: Fakes, sweep: Path) -> None:
    up(sweeper)
    before = fakes.calls()
    ended = sweeper("cluster", "submit", "small.yaml", "--name", "No_Good")
    assert (ended.code, fakes.calls()) == (2, before)
    assert "found the name 'No_Good'; must be at most 47 lower-case letters" in ended.complaint


def test_logs_are_those_of_the_latest(sweeper: Sweeper, fakes: Fakes) -> None:
    up(sweeper)
    sweeper("cluster", "logs", "-f")
    assert fakes.calls()[-1].splitlines()[:3] == ["kubectl", "logs", "job/kubectl is content"]
    assert "--follow" in fakes.calls()[-1]


def test_status_and_down_are_kubernetes_own(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    up(sweeper)
    assert sweeper("cluster", "status").out == "kubectl is content\n"
    assert sweeper("cluster", "down", "--yes").code == 0
    assert fakes.calls()[-1].splitlines()[:3] == ["kubectl", "delete", "rayjobs,configmaps"]
    assert not (place / ".sweeper" / "clusters" / "sweeps").exists()


@pytest.mark.parametrize("command", ["attach", "tunnel", "cost"])
def test_what_is_not_for_kubernetes_says_so(sweeper: Sweeper, fakes: Fakes, command: str) -> None:
    up(sweeper)
    ended = sweeper("cluster", command)
    assert ended.code == 2
    assert "found a cluster of kind kuberay" in ended.complaint
