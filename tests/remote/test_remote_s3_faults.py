"""Protects all that is on S3 from a store that is away, refuses or is full, and from answers that get lost."""

import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from sweeper.remote import s3
from sweeper.remote.objects import ChangedError, StoreError
from sweeper.remote.opening import open_objects
from sweeper.remote.s3 import S3Objects

Fault = Callable[[Any], AWSResponse | None]
"""What befalls a request before it is sent: it may raise, answer, or let the request pass."""


class Network:
    """Between a client and the store."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.pauses: list[float] = []
        """Seconds for which the client would have waited before it asked again."""
        self._faults: Iterator[Fault] = iter(())
        clock = SimpleNamespace(sleep=self.pauses.append, time=time.time)
        patch.setattr(botocore.endpoint, "time", clock)
        s3._client().meta.events.register("before-send.s3", self._befall)

    def befall(self, *faults: Fault) -> None:
        """Let something happen to each of the next requests."""
        self._faults = iter(faults)

    def _befall(self, request: Any, **_: object) -> AWSResponse | None:
        fault = next(self._faults, None)
        return None if fault is None else fault(request)


class Raw(BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def answer(status: int, code: str) -> Fault:
    """Return the fault that the store answers a request with an error."""
    body = f"<Error><Code>{code}</Code><Message>as a test wants it</Message></Error>".encode()
    return lambda request: AWSResponse(request.url, status, {}, Raw(body))


def away(request: Any) -> None:
    raise EndpointConnectionError(endpoint_url=request.url)


def lost(request: Any) -> None:
    """Send a request, and lose the answer."""
    s3._client()._endpoint.http_session.send(request)
    raise ConnectionClosedError(endpoint_url=request.url)


@pytest.fixture
def objects(bucket: str) -> S3Objects:
    return S3Objects.at(f"{bucket}/home")


@pytest.fixture
def network(objects: S3Objects, monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


class TestLostAnswers:
    def test_a_write_of_which_the_answer_is_lost_is_known_for_ones_own(
        self, objects: S3Objects, network: Network
    ) -> None:
        network.befall(lost)
        version = objects.write("one", b"first", None)
        network.befall(lost, lost)
        version = objects.write("one", b"second", version)
        assert len(network.pauses) == 3
        assert objects.write("one", b"third", version)
        found = objects.read("one")
        assert found is not None
        assert found.content == b"third"

    def test_and_not_taken_for_ones_own_where_another_one_has_written_since(
        self, objects: S3Objects, network: Network
    ) -> None:
        def overtaken(request: Any) -> None:
            network.befall()
            s3._client()._endpoint.http_session.send(request)
            objects.put("one", b"another's")
            raise ConnectionClosedError(endpoint_url=request.url)

        network.befall(overtaken)
        with pytest.raises(ChangedError):
            objects.write("one", b"first", None)


def test_where_the_store_is_at_work_on_another_write_it_is_asked_again(objects: S3Objects, network: Network) -> None:
    network.befall(*[answer(409, "ConditionalRequestConflict")] * 3)
    version = objects.write("one", b"first", None)
    network.befall(answer(409, "ConditionalRequestConflict"))
    assert objects.write("one", b"second", version)


def test_a_store_that_is_away_for_a_while_is_waited_for(objects: S3Objects, network: Network, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    slow_down = answer(503, "SlowDown")
    for work in (
        lambda: objects.send("one", tmp_path / "file"),
        lambda: objects.read("one"),
        lambda: objects.fetch("one", tmp_path / "fetched"),
        lambda: list(objects.keys()),
        lambda: objects.remove(["one"]),
    ):
        network.pauses.clear()
        network.befall(away, away, slow_down, away, slow_down)
        work()
        assert len(network.pauses) == 5
    assert (tmp_path / "fetched").read_bytes() == b"1"
    assert objects.read("one") is None


Work = Callable[[S3Objects, Path], object]
WORKS: dict[str, tuple[Work, str]] = {
    "read": (lambda objects, path: objects.read("one"), "/home/one: cannot be read ("),
    "write": (lambda objects, path: objects.write("one", b"1", None), "/home/one: cannot be written ("),
    "put": (lambda objects, path: objects.put("one", b"1"), "/home/one: cannot be written ("),
    "send": (lambda objects, path: objects.send("one", path), "/home/one: cannot be written ("),
    "fetch": (lambda objects, path: objects.fetch("one", path / "new"), "/home/one: cannot be read ("),
    "keys": (lambda objects, path: list(objects.keys()), "/home: cannot be listed ("),
    "folders": (lambda objects, path: objects.folders(), "/home: cannot be listed ("),
    "here": (lambda objects, path: objects.here(), "/home: cannot be listed ("),
    "remove": (lambda objects, path: objects.remove(["one"]), "/home: cannot be removed ("),
}


@pytest.mark.parametrize("name", WORKS)
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (away, "Could not connect to the endpoint URL"),
        (answer(403, "AccessDenied"), "(AccessDenied)"),
        (answer(507, "XMinioStorageFull"), "(XMinioStorageFull)"),
    ],
    ids=["away", "refusing", "full"],
)
def test_one_that_stays_of_no_use_is_told_in_one_line(
    objects: S3Objects, network: Network, tmp_path: Path, name: str, fault: Fault, said: str
) -> None:
    work, begin = WORKS[name]
    (tmp_path / "file").write_bytes(b"1")
    network.befall(*[fault] * 20)
    with pytest.raises(StoreError) as error:
        work(objects, tmp_path / "file" if name == "send" else tmp_path)
    line = str(error.value)
    assert line.startswith(f"{objects.url.removesuffix('/home')}{begin}")
    assert said in line
    assert "\n" not in line
    assert len(network.pauses) == (s3._ATTEMPTS - 1 if fault is away else 0)
    assert not (tmp_path / "new").exists()


def test_an_object_that_may_not_be_removed_is_named(objects: S3Objects, network: Network) -> None:
    refused = b"<DeleteResult><Error><Key>home/one</Key><Code>AccessDenied</Code></Error></DeleteResult>"
    network.befall(lambda request: AWSResponse(request.url, 200, {}, Raw(refused)))
    with pytest.raises(StoreError, match=r"/home/one: cannot be removed \(AccessDenied\)$"):
        objects.remove(["one"])


def test_a_bucket_that_is_not_there_is_told(aws: str) -> None:
    with pytest.raises(StoreError, match=r"^s3://nowhere/home: cannot be listed \(.*NoSuchBucket.*\)$"):
        open_objects("s3://nowhere/home").folders()


def test_a_client_that_cannot_be_made_is_told(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    s3._client.cache_clear()
    with pytest.raises(StoreError, match=r"^s3://bucket/home: cannot be reached \(.*nobody.*\)$"):
        open_objects("s3://bucket/home")


def test_a_disk_that_is_full_is_told_with_its_folder(
    objects: S3Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects.put("one", b"1")
    with pytest.raises(StoreError, match=rf"/home/one: cannot be read \(.*: {tmp_path}/gone.*; see to that\)$"):
        objects.fetch("one", tmp_path / "gone" / "file")
