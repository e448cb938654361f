"""All that a sweep on a cluster needs, on one machine: nodes, an object store, a database, a tracking server."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from support.metadata_service import Service
from support.moto import environment
from support.raylets import Raylets
from support.tracking_server import TrackingServer

from sweeper.cluster.node.metadata import ENDPOINT
from sweeper.execution.copies import fetch_part, read
from sweeper.remote.homes import open_home
from sweeper.search import TrialRecord, read_records

PATIENCE = 240.0
"""Seconds for anything to happen on a busy machine."""


@dataclass(frozen=True)
class Ground:
    """Where sweeps run."""

    cluster: Raylets
    folder: Path
    store: str
    """The URL of the server of the object store."""
    study: str
    """The URL of the database for studies, with its password."""
    tracking: TrackingServer

    @property
    def home(self) -> str:
        return "s3://sweeps/home"

    @property
    def environment(self) -> Mapping[str, str]:
        """What the driver finds everything by."""
        ours = {"SWEEPER_CACHE": str(self.folder / "cache"), "SWEEPER_STUDY": self.study}
        return {**os.environ, **self.cluster.environment, **environment(self.store), **ours}

    def make_bucket(self) -> None:
        names = {"AWS_ACCESS_KEY_ID": "aws_access_key_id", "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key"}
        keys = {ours: environment(self.store)[name] for name, ours in names.items()}
        region = environment(self.store)["AWS_DEFAULT_REGION"]
        client = boto3.client("s3", endpoint_url=self.store, region_name=region, **keys)
        client.create_bucket(Bucket="sweeps", CreateBucketConfiguration={"LocationConstraint": region})


class Driver:
    """A call of `sweeper run` on the cluster, while it runs."""

    def __init__(self, process: "subprocess.Popen[str]", cache: Path) -> None:
        self._process = process
        self._cache = cache
        self.lines: list[str] = []
        self._reader = threading.Thread(target=lambda: self.lines.extend(process.stdout or ()))
        self._reader.start()

    def wait_until(self, happened: Callable[[], Any]) -> float:
        """Wait for something to happen while the sweep runs; return when it had."""
        pause, deadline = threading.Event(), time.monotonic() + PATIENCE
        while not happened():
            assert self._process.poll() is None, "".join(self.lines)
            assert time.monotonic() < deadline, "".join(self.lines)
            pause.wait(0.05)
        return time.monotonic()

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        code = self._process.wait()
        watchdog.cancel()
        self._reader.join()
        return code

    def epochs(self) -> dict[int, int]:
        """Return how far each running trial has come, as the driver knows."""
        return {record.number: len(record.curve) for record in self.records() if record.state == "running"}

    def records(self) -> list[TrialRecord]:
        journals = list(self._cache.glob("homes/*/driven/*/study.journal"))
        return read_records(journals[0].parent) if journals else []

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.lines if line.startswith("warning: ")]


@contextmanager
def driving(ground: Ground, file: str, *options: str) -> Iterator[Driver]:
    """Run a sweep from a folder of its own, which knows nothing of our source tree."""
    place = ground.folder / "driver"
    place.mkdir()
    (place / "sweep.yaml").write_text(file)
    command = ["sweeper", "run", "sweep.yaml", "--address", ground.cluster.address, "--home", ground.home, *options]
    with subprocess.Popen(
        command, cwd=place, env=ground.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield Driver(process, ground.folder / "cache")
        finally:
            process.kill()


class Results:
    """What is in the home of a sweep that has ended. To be used with the environment of its driver."""

    def __init__(self, ground: Ground, name_of_sweep: str) -> None:
        self._home = open_home(ground.home)
        assert self._home.objects is not None
        (self.sweep,) = (name for name in self._home.objects.folders() if name.startswith(f"{name_of_sweep}-"))
        self.folder = read(self._home, self.sweep)

    @cached_property
    def records(self) -> list[TrialRecord]:
        return read_records(self.folder)

    def lines(self, record: TrialRecord) -> list[dict[str, Any]]:
        """Return what a trial has measured after each epoch."""
        fetch_part(self._home, self.sweep, record.folder, "metrics.jsonl")
        curve = self.folder / "trials" / record.folder / "metrics.jsonl"
        return [json.loads(line) for line in curve.read_text().splitlines()]


@contextmanager
def watching(ground: Ground, service: Service, node: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Watch over a node, as it does for itself on a spot machine."""
    command = [
        sys.executable,
        "-P",
        "-m",
        "sweeper.cluster.node.watch",
        "--address",
        ground.cluster.address,
        "--node",
        node,
    ]
    with (
        (ground.folder / "watch.log").open("w") as log,
        subprocess.Popen(
            command, cwd=ground.folder, env={**ground.environment, ENDPOINT: service.endpoint}, stderr=log
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()
