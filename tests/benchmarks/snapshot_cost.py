"""What an epoch costs more where a trial's home is S3: its files are pushed before the epoch is told.

The same trial on a disk is the baseline; workers take turns, epoch by epoch. The store is moto, on this machine and on
its processors, with nothing in between, and with as long a way to it as to S3 from the same region.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from scoreboard import Measured, Promise, announce

from sweeper.execution.worker import Worker
from sweeper.remote.s3 import _client
from sweeper.spec import Failures
from sweeper.training.job import EpochResult, Evaluation, Job, Precision
from sweeper.training.trial import Trial

BUCKET = "benchmark"
DISK = "on a disk"
WAYS = {DISK: None, "on S3": 0.0, "on S3, 20 ms away": 0.02}
"""Seconds on the way to the store and back."""
MOST_REQUESTS = 7
"""Of an epoch that is the best so far: its curve, three files of the checkpoint, a snapshot, and what is removed."""
MOST_SECONDS = 0.25
"""That an epoch takes longer with the store 20 ms away: a fifth of a second is no matter where epochs take minutes."""


def config_of(hidden: int) -> dict[str, Any]:
    return {
        "data": {"name": "digits"},
        "model": {"name": "vae", "latent_dim": 8, "backbone": {"name": "fc", "hidden": hidden}},
        "objective": {"name": "elbo"},
        "training": {"epochs": 1000, "batch_size": 64, "optimizer": {"name": "adam"}},
    }


class Way:
    """The way to the store: how long it is at the moment, and how many requests have gone there."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.requests = 0
        _client().meta.events.register("before-send.s3", self._go)

    def _go(self, **_: object) -> None:
        self.requests += 1
        time.sleep(self.seconds)


@contextmanager
def store(home: Path) -> Iterator[Way]:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from support.moto import environment, moto_server

    with moto_server(home) as url:
        os.environ |= environment(url) | {"SWEEPER_CACHE": str(home / "cache")}
        region = {"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
        _client().create_bucket(Bucket=BUCKET, CreateBucketConfiguration=region)
        yield Way()


def worker_of(job: Job) -> Worker:
    worker = Worker.__new__(Worker)
    worker._trial_info = None
    worker.setup({"job": job, "factory": Trial, "failures": Failures()})
    return worker


def measure(home: Path, way: Way, hidden: int, epochs: int) -> tuple[dict[str, Measured], int]:
    """Return the seconds of each epoch of each contender, and the most requests of one."""
    home.mkdir()
    evaluation = Evaluation("val/nll", "minimize", Precision(100, None))
    job = Job(0, config_of(hidden), 0, home / "trial", evaluation)
    jobs = {name: replace(job, store=f"s3://{BUCKET}/{hidden}/{name}") for name in WAYS} | {DISK: job}
    workers = {name: worker_of(job) for name, job in jobs.items()}
    samples: dict[str, list[float]] = {name: [] for name in WAYS}
    most = 0
    for epoch in range(epochs + 1):
        for name, worker in workers.items():
            way.seconds, way.requests = WAYS[name] or 0.0, 0
            started = time.perf_counter()
            outcome = worker.step()["outcome"]
            seconds = time.perf_counter() - started
            if not isinstance(outcome, EpochResult):
                raise RuntimeError(outcome)
            if epoch:  # The first one fetches data and begins the trial.
                samples[name].append(seconds)
                most = max(most, way.requests)
    for worker in workers.values():
        worker.cleanup()
    return {name: Measured(name, tuple(seconds)) for name, seconds in samples.items()}, most


def report(home: Path, way: Way, hidden: int, epochs: int) -> int:
    found, requests = measure(home, way, hidden, epochs)
    *_, away = found.values()
    disk = found[DISK]
    longer = Measured("", tuple(one - other for one, other in zip(away.samples, disk.samples, strict=True)))
    size = sum(path.stat().st_size for path in (home / "trial" / "last").iterdir())
    promises = [
        Promise("requests of an epoch", requests, "at most", MOST_REQUESTS),
        Promise(f"seconds that an epoch takes longer {away.name}", longer.median, "at most", MOST_SECONDS),
    ]
    name = f"snapshot cost, hidden {hidden}, checkpoint of {size / 2**20:.1f} MiB"
    return announce(name, "s per epoch", list(found.values()), disk, promises)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--hidden", type=int, nargs="*", default=[256, 2048])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, store(Path(home)) as way:
        return max(report(Path(home, str(hidden)), way, hidden, arguments.epochs) for hidden in arguments.hidden)


if __name__ == "__main__":
    sys.exit(main())
