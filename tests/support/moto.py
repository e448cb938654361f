"""AWS without AWS: a real `moto_server` on loopback, with one bucket for each test.

It is a process of its own, so that everything a test starts (workers, drivers, command lines) finds the same objects,
by the environment alone.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from support.answering import answers

PATIENCE = 120.0
"""Seconds for it to come up on a busy machine."""


def environment(url: str) -> dict[str, str]:
    """What makes boto3 talk to the server at ``url``, and to nobody else."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }


@contextmanager
def moto_server(folder: Path) -> Iterator[str]:
    """Start a server that keeps its log in ``folder``, yield its URL once it answers, and end it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    with (folder / "moto.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(port, "/moto-api/"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "moto.log").read_text()[-3000:])
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of one server for all tests of this process."""
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the server, which this process and those that it starts take for AWS."""
    from sweeper.remote import s3  # It imports boto3, which takes a while.

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in environment(moto_url).items():
        monkeypatch.setenv(name, value)
    s3._client.cache_clear()
    yield moto_url
    s3._client.cache_clear()


@pytest.fixture
def bucket(aws: str) -> str:
    """The URL, ``s3://…``, of an empty bucket."""
    from sweeper.remote import s3

    name = f"test-{uuid4().hex}"
    place = {"LocationConstraint": environment(aws)["AWS_DEFAULT_REGION"]}
    s3._client().create_bucket(Bucket=name, CreateBucketConfiguration=place)
    return f"s3://{name}"
