"""Protects a sweep on a cluster from `up` to its verdict, on a real Ray with its job server, all on this machine.

ssh is the only part that is not itself: every machine it is told of is this one, with another home.
"""

import os
import signal
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cluster_calling import Sweeper

from sweeper.cluster.reaching import free_port

HERE = Path(__file__).parent
FILE = HERE.parents[1] / "cluster" / "machines.yaml"
PROC = Path("/proc")
SWEEP = """\
name: small
data: {name: digits}
model: {name: vae, latent_dim: {choice: [2, 4]}, backbone: {name: fc, hidden: 8}}
objective: {name: "mine:Mine"}
training: {epochs: 1, batch_size: 256, optimizer: {name: adam, lr: 0.001}}
sweep: {trials: 2, stopping: none, finals: none, evaluation: {k: 2}, resources: {cpu: 1}, workers: 1}
"""
MODULE = """\
from dataclasses import dataclass

from models.objectives import ELBO


@dataclass(frozen=True, kw_only=True)
class Mine(ELBO):
    pass
"""

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.filterwarnings("ignore:ssl=None is deprecated:DeprecationWarning"),  # Ray's client says it to aiohttp.
]


@pytest.fixture
def there(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home on the one machine of the cluster; whatever was started on it ends with the test."""
    there = place / "there"
    there.mkdir()
    programs = place / "programs"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {sys.executable} -P {HERE / "here_ssh.py"} "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME_THERE", str(there))
    yield there
    for session in (there / "sessions").read_text().split():
        with suppress(ProcessLookupError):
            os.killpg(int(session), signal.SIGKILL)


@pytest.fixture
def dashboard(there: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The port of Ray's job server."""
    port = free_port()
    monkeypatch.setattr("sweeper.cluster.jobs.DASHBOARD_PORT", port)
    return port


@pytest.fixture
def rays_folder() -> Iterator[Path]:
    """A folder with a short name: Ray has sockets in it."""
    with tempfile.TemporaryDirectory(prefix="sweeper-ray-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def settings(there: Path, dashboard: int, rays_folder: Path) -> dict[str, str]:
    port = free_port()
    start = (
        f". ~/sweeper/environment && ray start --head --port={port} --dashboard-host=127.0.0.1 "
        f"--dashboard-port={dashboard} --dashboard-agent-listen-port={free_port()} --temp-dir={rays_folder} "
        "--num-cpus=1 --object-store-memory=100000000"
    )
    return {
        "head": "127.0.0.1",
        "ssh.user": "ada",
        "home": str(there / "sweeps"),
        "venv": sys.prefix,
        "environment.RAY_ADDRESS": f"127.0.0.1:{port}",
        "environment.RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": '"0"',  # It listens on the loopback address alone.
        "launcher.setup_commands": "[]",
        "launcher.head_start_ray_commands": f"['{start}']",
        "launcher.head_stop_commands": "['true']",
    }


def command_lines() -> str:
    """Return what everybody on the machine may read of how all processes were called."""
    found = ""
    for file in PROC.glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += file.read_text(errors="replace")
    return found


def answer(port: int, token: str | None) -> int:
    """Return the code of Ray's answer to who asks for its jobs."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/jobs/")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answered:
            return int(answered.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_sweep_runs_on_a_cluster(
    sweeper: Sweeper, place: Path, there: Path, dashboard: int, rays_folder: Path, wheel: None
) -> None:
    (place / "small.yaml").write_text(SWEEP)
    (place / "mine.py").write_text(MODULE)
    own = [word for item in settings(there, dashboard, rays_folder).items() for word in ("--set", "=".join(item))]

    assert sweeper("cluster", "up", str(FILE), *own, "--yes").code == 0
    assert sweeper("cluster", "submit", "small.yaml", "--set", "sweep.seed=3", "--name", "first").code == 0
    followed = sweeper("cluster", "logs", "-f")
    assert (followed.code, followed.err) == (0, ""), followed
    assert "2/2  trial 1" in followed.out
    assert "Answer:" in followed.out
    (folder,) = (there / "sweeps").glob("small-*")
    assert "seed: 3" in (folder / "sweep.yaml").read_text()

    assert "sweeper cluster logs" in sweeper("cluster", "submit", "--resume", "no-such-sweep", "--name", "second").out
    failed = sweeper("cluster", "logs", "-f", "second")
    assert failed.code == 1
    assert failed.complaint.startswith("error: job second has failed: ")

    shown = sweeper("cluster", "status").out
    assert {
        line.split()[0]: line.split()[1] for line in shown.splitlines() if line.startswith(("first ", "second "))
    } == {
        "first": "SUCCEEDED",
        "second": "FAILED",
    }
    attached = sweeper("cluster", "attach", "first")
    assert attached.code == 0
    assert "Answer:" in attached.out
    assert attached.out.endswith("job first: SUCCEEDED\n")

    token = place / ".sweeper" / "clusters" / "machines" / "node" / "token"
    secret = token.read_text()
    assert [answer(dashboard, given) for given in (None, "0" * 64, secret)] == [401, 403, 200]
    assert "dashboard" in command_lines()
    assert secret not in command_lines()
    kept = {token, there / "sweeper" / "token"}
    files = [path for root in (place, rays_folder) for path in root.rglob("*") if path.is_file()]
    assert kept <= set(files)
    assert [path for path in files if secret.encode() in path.read_bytes()] == sorted(kept, key=files.index)
