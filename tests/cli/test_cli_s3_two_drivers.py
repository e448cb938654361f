"""Protects a sweep in S3 from a second driver: whatever would write to it is refused while another one does."""

import os
from pathlib import Path

import pytest
from calling import Sweeper, check_complaint
from stored import contents_of, store

from sweeper.errors import SweeperError
from sweeper.execution import ownership
from sweeper.execution.copies import driven
from sweeper.execution.note_places import LOCK_FILE
from sweeper.remote.homes import open_home

WRITING = [("resume", "first"), ("prune", "first"), ("sync", "first")]


@pytest.fixture
def url(home: Path, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The simulated sweeps in S3."""
    monkeypatch.setattr(ownership, "BEAT", 0.05)
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    store(home, bucket)
    return bucket


def but_the_note(url: str) -> dict[str, bytes]:
    return {key: content for key, content in contents_of(url).items() if not key.endswith(LOCK_FILE)}


@pytest.mark.parametrize("cache", ["cache", "another"])
@pytest.mark.parametrize("words", WRITING, ids=lambda words: words[0])
def test_who_writes_is_refused_from_this_machine_and_from_another(
    sweeper: Sweeper, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, str], cache: str
) -> None:
    tracking = ("--tracking-uri", f"sqlite:///{tmp_path / 'mlflow.db'}") if words[0] != "prune" else ()
    with driven(open_home(url), "first") as work:
        before = but_the_note(url)
        monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / cache))
        line = check_complaint(sweeper(*words, *tracking, "--home", url), code=1)
        work.ownership.check()
    assert f"sweep first is being run by process {os.getpid()} on host " in line
    assert line.endswith("; wait for it, or end it\n")
    assert but_the_note(url) == before


def test_who_reads_is_not(sweeper: Sweeper, url: str) -> None:
    with driven(open_home(url), "first"):
        assert [sweeper(*words, "--home", url).code for words in (("list",), ("show", "first"))] == [0, 0]


def test_who_was_overtaken_sends_nothing_any_more(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "BEAT", 60.0)  # It has not noticed by itself yet.
    with driven(open_home(url), "first") as work:
        assert work.store is not None
        (work.folder / "verdict.txt").write_text("of the one that was cut off")
        work.store.put(LOCK_FILE, b"{}")
        before = contents_of(url)
        with pytest.raises(SweeperError, match=r"^sweep first was taken over by another process; nothing more is"):
            work.push()
    assert contents_of(url) == before
