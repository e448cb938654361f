"""Protects the watch over a spot machine: a notice drains its node, nothing else does, and no trouble ends it."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.metadata_service import NOTICE, Service, metadata_service

from sweeper.cluster.node import watch
from sweeper.cluster.node.metadata import ENDPOINT, Metadata, MetadataError, Notice
from sweeper.errors import SweeperError

TIME = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def service() -> Iterator[Service]:
    with metadata_service() as service:
        yield service


@pytest.fixture
def metadata(service: Service, monkeypatch: pytest.MonkeyPatch) -> Metadata:
    monkeypatch.setenv(ENDPOINT, service.endpoint + "/")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    return Metadata()


class Pauses:
    """In place of waiting: does one thing after another, and raises where it should have come to an end."""

    def __init__(self, *happenings: Callable[[], Any]) -> None:
        self._happenings = list(happenings)
        self.count = 0

    def __call__(self, seconds: float) -> None:
        assert seconds == watch.PAUSE
        self.count += 1
        self._happenings.pop(0)()


def nothing() -> None:
    """Happens."""


class TestMetadata:
    def test_there_is_no_notice_before_there_is_one(self, service: Service, metadata: Metadata) -> None:
        assert metadata.notice() is None
        service.give_notice(TIME)
        assert metadata.notice() == Notice("terminate", TIME)

    def test_a_token_is_asked_for_once_and_again_when_it_has_run_out(
        self, service: Service, metadata: Metadata
    ) -> None:
        metadata.notice()
        metadata.notice()
        service.forget_tokens()
        metadata.notice()
        ask, look = "PUT /latest/api/token", f"GET {NOTICE}"
        assert service.asked == [ask, look, look, look, ask, look]

    def test_trouble_is_told_in_one_line(self, service: Service, metadata: Metadata) -> None:
        service.content = "<html>"
        with pytest.raises(MetadataError, match=r"^found '<html>' for a notice$"):
            metadata.notice()
        service.broken = True
        with pytest.raises(MetadataError, match=r"^127\.0\.0\.1:\d+ answers with status 503$"):
            metadata.notice()
        with pytest.raises(MetadataError, match=r"^127\.0\.0\.1:1 does not answer \(ConnectionRefusedError"):
            Metadata("http://127.0.0.1:1").notice()


class TestWatch:
    def test_trouble_that_lasts_is_told_when_it_begins_and_when_it_ends(
        self, service: Service, metadata: Metadata, caplog: pytest.LogCaptureFixture
    ) -> None:
        def mend() -> None:
            service.broken = False

        service.broken = True
        pauses = Pauses(nothing, nothing, nothing, mend, nothing, lambda: service.give_notice(TIME))
        with caplog.at_level("INFO"):
            assert watch.wait_for_notice(metadata, pauses) == Notice("terminate", TIME)
        trouble = f"the metadata service of this machine is of no use: {service.endpoint[7:]} answers with status 503"
        assert caplog.messages == [trouble, "well again"]

    def test_a_head_that_does_not_answer_is_asked_until_the_time_has_come(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        answers = [SweeperError("no answer"), SweeperError("no answer"), None]
        asked = []

        def drain(*words: object) -> None:
            asked.append(words)
            if (answer := answers[len(asked) - 1]) is not None:
                raise answer

        monkeypatch.setattr(watch, "drain", drain)
        notice = Notice("terminate", datetime.now(UTC) + timedelta(minutes=2))
        assert watch.pass_on(notice, "192.0.2.1:6379", None, Pauses(nothing, nothing))
        assert asked == 3 * [("192.0.2.1:6379", None, "notice from AWS: terminate", notice.time)]
        assert caplog.messages == ["not drained: no answer"]
        asked.clear()
        assert not watch.pass_on(Notice("stop", TIME.replace(year=2025)), "192.0.2.1:6379", None, Pauses())

    def test_a_ray_that_cannot_be_told_is_one_line_and_no_second_try(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The interface is Ray's own: a later version may not have it."""
        from ray import _raylet

        monkeypatch.setattr(_raylet, "GcsClient", lambda address: object())
        notice = Notice("terminate", datetime.now(UTC) + timedelta(minutes=2))
        assert not watch.pass_on(notice, "127.0.0.1:6379", None, Pauses())
        (line,) = caplog.messages
        assert "cannot be told to drain a node (AttributeError: 'object' object has no attribute" in line

    def test_a_wrong_address_is_refused_in_one_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            watch.main(["--address", "head"])
        assert ended.value.code == 2
        assert capsys.readouterr().err.endswith("argument --address: found 'head'; must be HOST:PORT\n")


def test_until_there_is_a_notice_nothing_heavy_is_imported(tmp_path: Path) -> None:
    """The machine is there for its trials."""
    script = "import sys; import sweeper.cluster.node.watch; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert not {"ray", "torch", "numpy", "pydantic", "boto3", "typer", "yaml"} & set(told.stdout.split())
