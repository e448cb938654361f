"""Every command line that `sweeper cluster` runs, made by pure functions: what to run, and never running it.

On a machine of the cluster everything of ours is in ``~/sweeper``; `sweeper.cluster.state` says what that holds.
"""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
ENVIRONMENT = ". ~/sweeper/environment"
"""What makes a shell on a node find our programs, and those find the home, the study and the token."""

SWEEP_FOLDER = "/sweep"
"""Where a pod has the sweep's file."""
IN_POD = f"cd {SWEEP_FOLDER}"

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_UP_enable_autoscaler_v2": "1"}
"""For Ray's launcher: it sends nothing to anybody, and uses its own default autoscaler without a notice about that."""

_PLAIN = ("--log-style", "pretty", "--log-color", "false")
"""In a log Ray's launcher would otherwise repeat every command with all of its options."""


@dataclass(frozen=True)
class Login:
    """How a machine is reached by SSH."""

    user: str
    key: Path | None
    """Private key; ``None`` leaves the choice to ssh."""
    known_hosts: Path
    """Our own file: a machine that is met for the first time is trusted, one whose key has changed is not."""


@dataclass(frozen=True)
class Machine:
    """A machine to log in to."""

    host: str
    known_as: str | None = None
    """Under which name its key is kept: AWS gives the address of one machine to the next one."""


def ray_up(configuration: Path) -> tuple[str, ...]:
    """Return what starts a cluster, or brings a running one up to date; its cache could hide a change of the file."""
    return (_ray(), "up", str(configuration), "--yes", "--no-config-cache", "--disable-usage-stats", *_PLAIN)


def ray_down(configuration: Path) -> tuple[str, ...]:
    """Return what ends a cluster."""
    return (_ray(), "down", str(configuration), "--yes", *_PLAIN)


def _ray() -> str:
    """Return Ray's program of this environment: the launcher must be of the version that the machines install."""
    return str(Path(sys.executable).with_name("ray"))


def ssh(login: Login, machine: Machine, script: str, *, terminal: bool = False) -> tuple[str, ...]:
    """Return what runs a script in bash on a machine, with its user's own profile; it never asks for a password."""
    kind = "-t" if terminal else "-T"
    return ("ssh", kind, *_options(login, machine), _target(login, machine), f"bash -lc {shlex.quote(script)}")


def tunnel(login: Login, machine: Machine, ports: Mapping[int, int]) -> tuple[str, ...]:
    """Return what brings ports of a machine's loopback to ports of ours: here to there. It ends when the link does."""
    forwards = [word for here, there in ports.items() for word in ("-L", f"{LOOPBACK}:{here}:{LOOPBACK}:{there}")]
    return (
        "ssh",
        "-N",
        "-o",
        "ExitOnForwardFailure=yes",
        *forwards,
        *_options(login, machine),
        _target(login, machine),
    )


def _options(login: Login, machine: Machine) -> tuple[str, ...]:
    key = () if login.key is None else ("-i", str(login.key), "-o", "IdentitiesOnly=yes")
    alias = () if machine.known_as is None else ("-o", f"HostKeyAlias={machine.known_as}")
    settings = {
        "BatchMode": "yes",
        "ConnectTimeout": "20",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": str(login.known_hosts),
    }
    return (*key, *alias, *(word for name, value in settings.items() for word in ("-o", f"{name}={value}")))


def _target(login: Login, machine: Machine) -> str:
    return f"{login.user}@{machine.host}"


def make_key(key: Path, cluster: str) -> tuple[str, ...]:
    """Return what makes a pair of SSH keys without a passphrase, the private one in the file ``key``."""
    return ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"sweeper-{cluster}", "-f", str(key))


def receive() -> str:
    """Return the script that unpacks into ``~/sweeper``, for its owner alone, the tar that it reads."""
    return "mkdir -p ~/sweeper && chmod 700 ~/sweeper && tar -xf - -C ~/sweeper"


def script(head: str, commands: Sequence[str]) -> str:
    """Return one script of a cluster's commands, which ends at the first that fails; the head's address is known."""
    return "\n".join(("set -e", f"export RAY_HEAD_IP={shlex.quote(head)}", *commands))


def ray_status() -> str:
    """Return the script that prints what Ray has and what it is asked for."""
    return f"{ENVIRONMENT} && ray status"


def run_sweep(file: str, overrides: Sequence[str], before: str = ENVIRONMENT) -> str:
    """Return the job that runs a sweep on the head; home, study and tracking server are in the environment there."""
    return _job(before, "run", file, *_set(overrides))


def resume_sweep(sweep: str, file: str | None, overrides: Sequence[str], before: str = ENVIRONMENT) -> str:
    """Return the job that goes on with a sweep, under a changed ``file`` where there is one."""
    changed = () if file is None else ("--with", file)
    return _job(before, "resume", sweep, *changed, *_set(overrides))


def show_sweep(sweep: str) -> str:
    """Return the script that prints how a sweep stands."""
    return f"{ENVIRONMENT} && exec {shlex.join(('sweeper', 'show', sweep))}"


def _job(before: str, *words: str) -> str:
    # Ray runs an entry point in sh; bash, because the environment is written for it.
    return shlex.join(("bash", "-c", f"{before} && exec {shlex.join(('sweeper', *words, '--address', 'auto'))}"))


def _set(overrides: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for override in overrides for word in ("--set", override))


def kubectl_apply() -> tuple[str, ...]:
    """Return what makes the objects that it reads, or changes them."""
    return ("kubectl", "apply", "-f", "-")


def kubectl_get(name: str, namespace: str) -> tuple[str, ...]:
    """Return what lists a cluster's RayJobs and their pods."""
    return ("kubectl", "get", "rayjobs,pods", *_labelled(name, namespace), "-o", "wide")


def kubectl_names(name: str, namespace: str) -> tuple[str, ...]:
    """Return what lists the names of a cluster's RayJobs, the latest last."""
    oldest_first = "--sort-by=.metadata.creationTimestamp"
    return ("kubectl", "get", "rayjobs", *_labelled(name, namespace), oldest_first, "-o", "name")


def kubectl_logs(job: str, namespace: str, *, follow: bool) -> tuple[str, ...]:
    """Return what prints the log of a RayJob's driver, which the pod that has submitted it hands on."""
    following = ("--follow",) if follow else ()
    return ("kubectl", "logs", f"job/{job}", "-n", namespace, "--tail=-1", *following)


def kubectl_delete(name: str, namespace: str) -> tuple[str, ...]:
    """Return what removes all that a cluster consists of, and waits until it is gone."""
    return ("kubectl", "delete", "rayjobs,configmaps", *_labelled(name, namespace), "--wait")


def _labelled(name: str, namespace: str) -> tuple[str, ...]:
    return ("-n", namespace, "-l", f"sweeper={name}")
