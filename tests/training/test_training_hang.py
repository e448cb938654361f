"""Protects that a trial which hangs ends its own process and says where it hung, and that nothing else is ended."""

import faulthandler
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeper.spec import Failures
from sweeper.training.hang import HANG_FILE, Watch, slower, take_hang

DEADLINE = 60.0
USUAL = Failures()

WATCHING = """
from pathlib import Path
from model import forward
from sweeper.spec import Failures
from sweeper.training.hang import Watch

watch = Watch(Path("trial"), Failures(hang=2, patience=0.2))
with watch.report():
    forward()
"""


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """The seconds with which faulthandler was armed, ``None`` for every time that it was told to forget them."""
    calls: list[float | None] = []
    monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda seconds, **_: calls.append(seconds))
    monkeypatch.setattr(faulthandler, "cancel_dump_traceback_later", lambda: calls.append(None))
    return calls


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Returns a function by which time passes."""
    now = [0.0]
    monkeypatch.setattr("sweeper.training.hang.time.monotonic", lambda: now[0])

    def wait(seconds: float) -> None:
        now[0] += seconds

    return wait


def hang(folder: Path, model: str) -> None:
    (folder / "model.py").write_text(textwrap.dedent(model))
    (folder / "watching.py").write_text(WATCHING)
    ended = subprocess.run([sys.executable, "watching.py"], cwd=folder, timeout=DEADLINE, check=False)
    assert ended.returncode == 1


def test_a_process_that_hangs_ends_and_leaves_where(tmp_path: Path) -> None:
    hang(
        tmp_path,
        """
        import threading

        def forward():
            threading.Event().wait()
        """,
    )
    assert take_hang(tmp_path / "trial") == (
        "no report for 0 s (2 times its longest step, at least 0.2 s); it hung in model.py:5 forward"
    )
    assert "threading.py" in (tmp_path / "trial" / "error.txt").read_text()


def test_it_ends_as_well_where_no_python_runs_any_more(tmp_path: Path) -> None:
    """A regular expression that takes years is matched without ever giving other threads their turn."""
    hang(
        tmp_path,
        """
        import re

        def forward():
            re.match(r"(a+)+$", 60 * "a" + "b")
        """,
    )
    assert str(take_hang(tmp_path / "trial")).endswith("; it hung in model.py:5 forward")


def test_a_hang_is_told_once(tmp_path: Path) -> None:
    (tmp_path / HANG_FILE).write_text("no report for 9 s (why)\nthread 0x1\nTimeout (0:00:09)!\n")
    assert take_hang(tmp_path) == "no report for 9 s (why)"
    assert take_hang(tmp_path) is None


def test_a_process_that_was_killed_while_it_was_watched_did_not_hang(tmp_path: Path) -> None:
    (tmp_path / HANG_FILE).write_text("no report for 9 s (why)\nthread 0x1\n")
    assert take_hang(tmp_path) is None
    assert take_hang(tmp_path / "nothing") is None


def test_the_place_is_that_of_the_watched_thread_and_outside_of_libraries(tmp_path: Path) -> None:
    (tmp_path / HANG_FILE).write_text(
        textwrap.dedent(
            """\
            no report for 9 s (why)
            thread 0x2
            Timeout (0:00:09)!
            Thread 0x0000000000000001 (most recent call first):
              File "/home/me/other.py", line 3 in run

            Thread 0x0000000000000002 [ray::Worker] (most recent call first):
              File "/usr/lib/python3/site-packages/torch/nn/functional.py", line 9 in linear
              File "/home/me/my model.py", line 17 in <lambda>
              File "/home/me/sweeper/worker.py", line 5 in step
            """
        )
    )
    assert take_hang(tmp_path) == "no report for 9 s (why); it hung in my model.py:17 <lambda>"


def test_it_is_armed_while_there_is_work_and_not_between(tmp_path: Path, armed: list[float | None]) -> None:
    watch = Watch(tmp_path / "trial", USUAL)
    with watch.report():
        assert armed == [USUAL.patience]
        assert (tmp_path / "trial" / HANG_FILE).exists()
    with pytest.raises(ValueError, match="no"), watch.work():
        raise ValueError("no")
    assert armed == [USUAL.patience, None] * 2
    assert list((tmp_path / "trial").iterdir()) == []


def test_it_waits_for_a_multiple_of_the_longest_time_between_reports(
    tmp_path: Path, armed: list[float | None], clock: Callable[[float], None]
) -> None:
    watch = Watch(tmp_path, Failures(hang=20, patience=600))
    for seconds in (10, 90, 40):
        with watch.report():
            clock(seconds)
    with watch.report():
        assert armed[::2] == [600, 600, 1800, 1800]
        assert (
            (tmp_path / HANG_FILE)
            .read_text()
            .startswith("no report for 1,800 s (20 times its longest step, at least 600 s)\n")
        )


def test_what_is_known_to_take_longer_has_longer(tmp_path: Path, armed: list[float | None]) -> None:
    with Watch(tmp_path, USUAL).report(), slower(500.0):
        assert armed == [600, 300_000]
    assert armed == [600, 300_000, 600, None]


def test_where_nothing_is_watched_slower_work_is_work(armed: list[float | None]) -> None:
    with slower(500.0):
        assert armed == []
