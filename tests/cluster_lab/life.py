"""The life of a cluster on AWS, end to end: up, a sweep, three machines and the head lost, the verdict, down.

Called as ``life.py FOLDER``, as root, through `run`. What it measured is printed as a table in the end; what it
expected and did not find ends it with 1, and everything that was printed anywhere stays in the folder.
"""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import network
from laboratory import Laboratory, laboratory, wait_for
from progress import Progress

BUCKET = "laboratory"
CLUSTER = "sweeps"
SWEEPS = "sweeper/sweeps"
HOME = f"s3://{BUCKET}/{SWEEPS}"
REPOSITORY = Path(__file__).parents[2]
SERVICES = {"MLflow": 5000, "PostgreSQL": 5432, "Ray's dashboard": 8265}
SPOT_WORKERS = 3
TYPE = "m5.large"
"""Two processors, as many as this host is taken to have, and no GPU."""

VALUES = {
    "bucket": BUCKET,
    "owner": "laboratory",
    "ssh.from": f"{network.GATEWAY}/32",
    "launcher.provider.use_internal_ips": "true",
    "head.type": TYPE,
    "head.image.owner": "self",
    "workers.image.owner": "self",
    "workers.max": str(SPOT_WORKERS),
    "spot": f"{{cpu: {{type: {TYPE}, min: {SPOT_WORKERS}, max: {SPOT_WORKERS}}}}}",
    "on_demand": f"{{cpu: {{type: {TYPE}, max: 1}}}}",
    "mlflow.workers": "1",
}
IMAGES = (
    "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20260101",
    "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 24.04) 20260101",
)
SWEEP = [
    str(REPOSITORY / "search_spaces" / "conv_vs_fc.yaml"),
    "--set",
    "sweep.resources.gpu=0",
    "--set",
    "sweep.trials=60",
]


class Life:
    """One run through it, with the figures that it leaves."""

    def __init__(self, laboratory: Laboratory, progress: Progress) -> None:
        self._laboratory = laboratory
        self._progress = progress
        self.figures: list[tuple[str, str]] = []

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note how long something takes."""
        print(f"{datetime.now():%H:%M:%S}  {what}", flush=True)
        began = time.monotonic()
        yield
        self.note(what, f"{time.monotonic() - began:.0f} s")

    def note(self, what: str, figure: str) -> None:
        """Note a figure."""
        print(f"{datetime.now():%H:%M:%S}  {what}: {figure}", flush=True)
        self.figures.append((what, figure))

    def sweeper(self, *words: str, expected: int = 0, timeout: float = 1200) -> str:
        """Call ``sweeper`` on the laptop."""
        run = self._laboratory.laptop("sweeper", *words, check=False, timeout=timeout)
        if run.returncode != expected:
            raise AssertionError(f"sweeper {' '.join(words)}: {run.returncode}\n{run.stdout}\n{run.stderr}")
        return str(run.stdout)

    def up(self) -> None:
        """Bring the cluster up, or up again."""
        values = [word for path, value in VALUES.items() for word in ("--set", f"{path}={value}")]
        self.sweeper("cluster", "up", str(REPOSITORY / "cluster" / "aws.yaml"), *values, "--yes", "--committed")

    def workers(self) -> list[dict[str, Any]]:
        """Return the instances of workers."""
        return list(self._laboratory.instances(**{"ray-node-type": "worker"}))

    def lose(self, what: str, instance: dict[str, Any], how: Callable[[str], None], at_once: bool = True) -> None:
        """Take a worker away in some manner, and note when its trials have come farther than they were.

        One that is not taken away at once has its trials until they leave it.
        """
        wait_for("trials on it", lambda: self._trials_on(instance))
        lost = self._trials_on(instance)
        print(f"{datetime.now():%H:%M:%S}  {what}: {instance['InstanceId']} with trials {lost}", flush=True)
        began = time.monotonic()
        work = sum(began - self._progress.before(trial, began).moment for trial in lost)
        how(instance["InstanceId"])
        began = time.monotonic()
        if not at_once:
            gone = wait_for("trials to leave", lambda: not self._trials_on(instance))
            self.note(f"{what}: until no trial was on it", f"{gone:.0f} s")
            began = time.monotonic()
        wait_for(what, lambda: all(self._progress.after(trial, began) or self._has_ended(trial) for trial in lost))
        steps = [step for trial in lost if (step := self._progress.after(trial, began))]
        if steps:
            last = max(step.moment for step in steps)
            self.note(f"{what}: until the last of its {len(steps)} trials was farther", f"{last - began:.0f} s")
        self.note(f"{what}: trials of it that had ended by then", str(len(lost) - len(steps)))
        self.note(f"{what}: training since the last checkpoints of all of them", f"{work:.1f} s")

    def _trials_on(self, instance: dict[str, Any]) -> list[str]:
        """Return the trials that are at work on a machine: those of which it has a scratch folder."""
        scratch = self._laboratory.machine(instance["InstanceId"]).glob("tmp/sweeper-*/*/worker.lock")
        trials = {path.parent.name.rsplit("-", 2)[0] for path in scratch}
        return sorted(trials & set(self._progress.trials))

    def _has_ended(self, trial: str) -> bool:
        """Say whether a trial has ended, as one may just when its machine is taken away."""
        shown = json.loads(self.sweeper("show", "latest", "--home", HOME, "--json"))
        return any(
            one["trial"] == int(trial.partition("-")[0]) and one["state"] != "running" for one in shown["trials"]
        )


def live(folder: Path) -> None:
    """Run through it in the laptop's namespace."""
    with laboratory(folder) as lab, Progress(boto3.client("s3"), BUCKET, SWEEPS) as progress:
        life = Life(lab, progress)
        for image in IMAGES:
            boto3.client("ec2").register_image(Name=image)
        _live(life, lab, progress)
        print("\n| what | measured |\n|---|---|")
        for what, figure in life.figures:
            print(f"| {what} | {figure} |")


def _live(life: Life, lab: Laboratory, progress: Progress) -> None:
    with life.timed("up: a head and three spot workers asked for"):
        life.up()
    with life.timed("until the workers are there"):
        wait_for("workers", lambda: len(life.workers()) == SPOT_WORKERS)
    (head,) = lab.instances(**{"ray-node-type": "head"})
    _check_closed(head["PrivateIpAddress"])
    life.sweeper("cluster", "submit", *SWEEP, "--name", "first")
    with life.timed("submit: until six trials train"):
        wait_for("trials", lambda: len(progress.trials) >= 6)
    spared = life.workers()
    life.lose("a spot worker terminated without a word", spared[0], lab.terminate)
    deadline = datetime.now(UTC) + timedelta(seconds=120)
    life.lose(
        "a spot worker given two minutes' notice",
        spared[1],
        lambda id_: lab.give_notice(id_, f"{deadline:%Y-%m-%dT%H:%M:%SZ}"),
        at_once=False,
    )
    life.lose("the link of a worker cut", spared[2], lab.cut)
    lab.terminate(head["InstanceId"])
    began = time.monotonic()
    with life.timed("the head terminated: up again"):
        life.up()
    (sweep,) = json.loads(life.sweeper("list", "--home", HOME, "--json"))
    life.sweeper("cluster", "submit", "--resume", sweep["sweep"], "--name", "second")
    resumed = time.monotonic()
    wait_for("the resumed sweep", lambda: any(progress.after(trial, resumed) for trial in progress.trials))
    life.note("the head terminated: until a trial was farther than before", f"{time.monotonic() - began:.0f} s")
    with life.timed("from there to the verdict"):
        said = life.sweeper("cluster", "logs", "-f", "second", timeout=1800)
    print(said[-1500:])
    _check(life, sweep["sweep"])
    life.sweeper("export", sweep["sweep"], "--home", HOME, "-o", "best.yaml")
    with life.timed("down: until nothing is left"):
        print(life.sweeper("cluster", "down", CLUSTER, "--yes"))
    if lab.instances():
        raise AssertionError(f"still running: {lab.instances()}")


def _check_closed(address: str) -> None:
    """Check that what the head serves beside Ray answers nobody but itself."""
    for service, port in SERVICES.items():
        with socket.socket() as connection:
            connection.settimeout(5)
            if connection.connect_ex((address, port)) == 0:
                raise AssertionError(f"{service} of the head answers at {address}:{port}")


def _check(life: Life, sweep: str) -> None:
    """Check that every trial was done once, and that none failed."""
    shown = json.loads(life.sweeper("show", sweep, "--home", HOME, "--json"))
    states = [trial["state"] for trial in shown["trials"]]
    life.note(
        "trials complete, pruned, failed", ", ".join(str(states.count(s)) for s in ("complete", "pruned", "failed"))
    )
    if set(states) != {"complete", "pruned"}:
        raise AssertionError(f"found trials that are {set(states) - {'complete', 'pruned'}}")


def main() -> None:
    """Make the laptop's namespace, and live in it; whatever ends this process takes all others with it."""
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        live(folder)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    network.remove_all()
    network.make_control()
    together = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    try:
        command = network.inside(network.CONTROL, [*together, sys.executable, __file__, str(folder), "inside"])
        code = subprocess.run(command, check=False).returncode
    finally:
        network.remove_all()
    print(f"logs are in {folder}")
    sys.exit(code)


if __name__ == "__main__":
    main()
