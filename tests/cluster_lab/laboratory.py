"""The laboratory: AWS that moto answers for, machines that are namespaces, and the laptop that this process is on."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import network
from bodies import GONE, name_of

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PORT = 5555
AWS = f"http://{network.GATEWAY}:{PORT}"
REGION = "us-west-2"
USER = "ubuntu"
"""Who logs in on machines; there it is another name of root, as no machine of the laboratory has sudo."""

SSHD = """\
Port 22
HostKey {folder}/host_key
AuthorizedKeysFile .ssh/authorized_keys
StrictModes no
PasswordAuthentication no
UsePAM no
UseDNS no
PidFile none
MaxStartups 100
MaxSessions 100
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Laboratory:
    """What a scenario does things to."""

    folder: Path
    variables: Mapping[str, str]
    """The laptop's environment."""

    def laptop(self, *command: str, check: bool = True, timeout: float = 900) -> subprocess.CompletedProcess[str]:
        """Run a command on the laptop; where it fails, say everything that it printed."""
        run = subprocess.run(
            command,
            cwd=self.folder / "laptop",
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        with (self.folder / "laptop.log").open("a") as log:
            log.write(f"$ {' '.join(command)}\n{run.stdout}{run.stderr}[{run.returncode}]\n")
        if check and run.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit {run.returncode}\n{run.stdout}\n{run.stderr}")
        return run

    def instances(self, **tags: str) -> list[dict[str, Any]]:
        """Return the instances that run and have these tags, the oldest first."""
        running = {"Name": "instance-state-name", "Values": ["pending", "running"]}
        filters = [running, *({"Name": f"tag:{name}", "Values": [value]} for name, value in tags.items())]
        reservations = boto3.client("ec2").describe_instances(Filters=filters)["Reservations"]
        found = [instance for reservation in reservations for instance in reservation["Instances"]]
        return sorted(found, key=lambda instance: instance["LaunchTime"])

    def terminate(self, identity: str) -> None:
        """End an instance without a word, as AWS does when it takes spot capacity back."""
        boto3.client("ec2").terminate_instances(InstanceIds=[identity])
        wait_for("the machine to end", (self.machine(identity) / GONE).exists)

    def give_notice(self, identity: str, when: str) -> None:
        """Let the metadata service of an instance say that it will be taken away."""
        (self.machine(identity) / "notice.json").write_text(f'{{"action": "terminate", "time": "{when}"}}')

    def machine(self, identity: str) -> Path:
        """Return the folder of an instance's machine; its ``tmp`` is what the machine has as /tmp."""
        return self.folder / "machines" / name_of(identity)

    def cut(self, identity: str) -> None:
        """Cut the link of an instance."""
        network.cut(name_of(identity))


def wait_for(what: str, condition: Callable[[], object], patience: float = 300) -> float:
    """Wait until a condition holds; return the seconds that it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() > began + patience:
            raise TimeoutError(f"{what}: not within {patience:.0f} s")
        time.sleep(0.2)  # What is waited for happens on other machines; there is nothing here to be woken by.
    return time.monotonic() - began


@contextmanager
def laboratory(folder: Path) -> Iterator[Laboratory]:
    """Build the laboratory in an empty folder, which must not lie in /tmp: every machine has its own; take it down.

    To be called in the laptop's namespace; its environment becomes that of this process.
    """
    with ExitStack() as stack:
        _prepare(folder)
        variables = _variables(folder)
        os.environ.clear()
        os.environ.update(variables)
        _start(stack, folder / "moto.log", ["-m", "moto.server", "--host", network.GATEWAY, "--port", str(PORT)])
        laboratory = Laboratory(folder, variables)
        wait_for("AWS", _aws_answers, 60)
        _start(stack, folder / "bodies.log", [str(HERE / "bodies.py"), str(folder)])
        yield laboratory


def _prepare(folder: Path) -> None:
    """Write what machines and laptop have in common."""
    for name in ("machines", "laptop"):
        (folder / name).mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "host_key"], check=True)
    (folder / "sshd_config").write_text(SSHD.format(folder=folder))
    users = [line for line in Path("/etc/passwd").read_text().splitlines() if not line.startswith("root:")]
    ours = [f"{name}:x:0:0:{name}:/tmp/home:/bin/bash" for name in ("root", USER)]
    (folder / "passwd").write_text("\n".join([*ours, *users]) + "\n")
    shutil.copy(HERE / "metadata.py", folder)  # Machines do not see what lies in our /tmp.
    shutil.copytree(HERE / "bin", folder / "bin")
    _make_environment(folder / "venv")
    (folder / "environment.sh").write_text(
        f"export PATH={folder / 'bin'}:{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/sbin:/bin\n"
        f"export AWS_ENDPOINT_URL={AWS} AWS_DEFAULT_REGION={REGION} OMP_NUM_THREADS=1\n"
        # All machines share one processor: an answer may take longer than the second that boto waits by default.
        "export AWS_METADATA_SERVICE_TIMEOUT=10 AWS_METADATA_SERVICE_NUM_ATTEMPTS=5\n"
        "export no_proxy='*' NO_PROXY='*'\n"
    )


def _make_environment(folder: Path) -> None:
    """Make the virtual environment that every machine has a copy of: empty, with what we have within reach.

    Installing the wheel then needs no package registry, which no machine could reach.
    """
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    # One of its own would hide ours.
    subprocess.run([folder / "bin" / "python", "-m", "pip", "uninstall", "-qy", "setuptools"], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "laptop.pth").write_text(f"{sysconfig.get_path('purelib')}\n")


def _variables(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RAY_", "SWEEPER_"))}
    return kept | {
        "HOME": str(folder / "laptop"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": AWS,
        "AWS_ACCESS_KEY_ID": "laboratory",
        "AWS_SECRET_ACCESS_KEY": "laboratory",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
        "AUTOSCALER_NODE_START_WAIT_S": "20",
        "RAY_USAGE_STATS_ENABLED": "0",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }


def _aws_answers() -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((network.GATEWAY, PORT)) == 0


def _start(stack: ExitStack, log: Path, words: list[str]) -> None:
    """Run Python on the laptop until the stack is left."""
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, *words], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    stack.callback(process.wait, 60)
    stack.callback(process.terminate)
