"""Protects a sweep from a second driver: whatever would write to it is refused in one line while another one does."""

import os
from pathlib import Path

import pytest
from calling import Sweeper, check_complaint, contents

from sweeper.execution.note_places import LOCK_FILE
from sweeper.execution.ownership import owned


@pytest.mark.parametrize("words", [("resume", "first-again"), ("prune", "first-again")], ids=lambda words: words[0])
def test_who_writes_is_refused_while_another_process_does(sweeper: Sweeper, home: Path, words: tuple[str, str]) -> None:
    with owned(home / "first-again"):
        before = contents(home) | {f"{home}/first-again/{LOCK_FILE}": b""}
        line = check_complaint(sweeper(*words, "--home", "home"), code=1)
        after = contents(home) | {f"{home}/first-again/{LOCK_FILE}": b""}
    assert f"sweep first-again is being run by process {os.getpid()} on host " in line
    assert line.endswith("ago); wait for it, or end it\n")
    assert after == before


def test_who_reads_is_not(sweeper: Sweeper, home: Path) -> None:
    with owned(home / "first"):
        assert [sweeper(*words, "--home", "home").code for words in (("list",), ("show", "first"))] == [0, 0]
