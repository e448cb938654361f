"""Protects that a sweep has one driver: who is refused, who takes over from a dead one, and who must stop."""

import errno
import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from support.sweeps import make_spec, quality

from sweeper.errors import SweeperError, UsageError
from sweeper.execution import ownership as module
from sweeper.execution.dispatcher import Care, Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.execution.note_places import LOCK_FILE, FileNote
from sweeper.execution.owner_note import parse_note
from sweeper.execution.ownership import owned
from sweeper.execution.simulator import simulate
from sweeper.search import Sweep
from sweeper.training.simulated import Simulation

DRIVER = """\
import sys
from pathlib import Path
from sweeper.execution.ownership import owned
with owned(Path(sys.argv[1])):
    print("owned", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life in milliseconds."""
    monkeypatch.setattr(module, "BEAT", 0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a sweep."""
    (tmp_path / "sweep-a").mkdir()
    return tmp_path / "sweep-a"


@pytest.fixture
def driver(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that owns the sweep."""
    command = [sys.executable, "-c", DRIVER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"owned\n"
        yield process
        process.kill()


def note(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / LOCK_FILE).read_bytes())
    return content


def write_note_of(folder: Path, **changes: Any) -> None:
    """Leave the note of a driver that did not end in order."""
    with owned(folder):
        pass
    (folder / LOCK_FILE).write_text(json.dumps({**note(folder), "left": False, **changes}))


def test_a_second_driver_is_refused_in_one_line_that_names_the_first(
    folder: Path, driver: subprocess.Popen[bytes]
) -> None:
    line = (
        rf"^sweep sweep-a is being run by process {driver.pid} on host \S+ \(of \S+, since 2.*, last sign of life \d+ s"
    )
    with pytest.raises(SweeperError, match=line + r" ago\); wait for it, or end it$") as refused, owned(folder):
        pass
    assert not isinstance(refused.value, UsageError)


def test_a_driver_in_the_same_process_is_refused_as_well(folder: Path) -> None:
    with owned(folder), pytest.raises(SweeperError, match="is being run by"), owned(folder):
        pass


def test_who_is_refused_leaves_the_owner_alone(folder: Path) -> None:
    with owned(folder) as first:
        with pytest.raises(SweeperError), owned(folder):
            pass
        first.check()


def test_a_sweep_that_was_left_in_order_is_nobodys(folder: Path) -> None:
    for _ in range(2):
        with owned(folder) as ownership:
            assert ownership.took_over is None
            assert not note(folder)["left"]
        assert note(folder)["left"]


def test_an_error_is_an_orderly_end_too(folder: Path) -> None:
    with pytest.raises(KeyError), owned(folder):
        raise KeyError
    assert note(folder)["left"]


def test_what_a_killed_driver_leaves_is_taken_over_at_once(folder: Path, driver: subprocess.Popen[bytes]) -> None:
    driver.kill()
    driver.wait()
    alive = note(folder)["alive"]
    with owned(folder) as ownership:
        expected = f"sweep sweep-a is taken over from process {driver.pid} on host {note(folder)['host']}"
        assert ownership.took_over == f"{expected}, which died after {alive}"
        ownership.check()


def test_a_driver_that_lives_says_so_again_and_again(folder: Path) -> None:
    with owned(folder):
        deadline = Event()
        while note(folder)["beats"] < 3:
            assert not deadline.wait(0.01)


def test_signs_of_life_keep_no_process_alive(folder: Path) -> None:
    script = (
        "from pathlib import Path; import os, sys; from sweeper.execution.ownership import owned\n"
        "context = owned(Path(sys.argv[1])); context.__enter__(); sys.exit(3)"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(folder)], timeout=60, check=False)
    assert ended.returncode == 3


class TestAnotherMachine:
    """Its lock may not reach here, so that all there is to go by is the note."""

    def test_a_note_that_changes_is_a_driver_at_work_whatever_its_clock_says(self, folder: Path) -> None:
        write_note_of(folder, machine="another", host="b", pid=4711)
        path, ended = folder / LOCK_FILE, Event()

        def beat() -> None:
            while not ended.wait(0.005):
                FileNote(folder).begin(found.beat())

        found = parse_note(path.read_bytes())
        assert found is not None
        heart = Thread(target=beat)
        heart.start()
        line = r"run by process 4711 on host b \(.* sign of life at 2.*\)"
        try:
            with pytest.raises(SweeperError, match=line), owned(folder):
                pass
        finally:
            ended.set()
            heart.join()

    def test_a_note_that_stands_still_is_stale_whatever_its_clock_says(self, folder: Path) -> None:
        write_note_of(folder, machine="another", host="b", pid=4711, alive="2999-01-01 00:00:00", uptime=1e12)
        with owned(folder) as ownership:
            assert ownership.took_over is not None
            assert ownership.took_over.endswith("from process 4711 on host b, which died after 2999-01-01 00:00:00")

    def test_a_note_that_was_left_in_order_is_not_watched(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_note_of(folder, machine="another", left=True)
        monkeypatch.setattr(module.time, "sleep", lambda seconds: pytest.fail("watched"))
        with owned(folder) as ownership:
            assert ownership.took_over is None

    def test_one_that_takes_over_stops_the_first_for_good(self, folder: Path) -> None:
        with owned(folder) as ownership:
            taken = {**note(folder), "token": "of another", "host": "b", "pid": 7}
            (folder / LOCK_FILE).write_text(json.dumps(taken))
            line = "sweep sweep-a was taken over by process 7 on host b; nothing more is written from here"
            with pytest.raises(SweeperError, match=f"^{line}$"):
                ownership.check()
        assert note(folder) == taken


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"null", b"\xff\xfe", b'{"token": 1}', b"0" * 5000],
    ids=["cut", "list", "null", "binary", "fields", "number"],
)
def test_a_note_that_nobody_can_read_is_watched_and_taken_over(folder: Path, content: bytes) -> None:
    (folder / LOCK_FILE).write_bytes(content)
    with owned(folder) as ownership:
        assert ownership.took_over == "sweep sweep-a is taken over from an unknown process, which died"


def test_a_note_of_someone_elses_writes_nothing_to_a_terminal_that_is_not_text(folder: Path) -> None:
    write_note_of(folder, host="\x1b]0;owned\x07")
    assert parse_note((folder / LOCK_FILE).read_bytes()) is None


class TestGone:
    """A sweep that is deleted, or whose disk is unmounted, under its driver."""

    def test_the_driver_is_told_in_one_line_and_nothing_comes_back(self, folder: Path) -> None:
        with owned(folder) as ownership:
            shutil.rmtree(folder)
            with pytest.raises(SweeperError, match=rf"^{folder}: the sweep's folder is gone; nothing more is written$"):
                ownership.check()
        assert not folder.exists()

    def test_a_sweep_that_is_deleted_while_it_runs_does_not_come_back(self, folder: Path) -> None:
        def metric(config: dict[str, Any], seed: int, epoch: int) -> float:
            if len(list((folder / "trials").iterdir())) == 3:
                shutil.rmtree(folder)
            return quality(config, seed, epoch)

        spec, place = make_spec(epochs=3), Workplace(folder, data_dir=None, workers=1, device="cpu")
        (folder / "trials").mkdir()
        with owned(folder) as ownership:
            dispatcher = Dispatcher(Sweep(spec, folder, 1), spec, place, Silent(), Care(check=ownership.check))
            with pytest.raises(SweeperError, match=r"the sweep's folder is gone; nothing more is written$"):
                simulate(dispatcher, Simulation(metric))
        assert not folder.exists()

    def test_without_its_lock_a_sweep_is_left(self, folder: Path) -> None:
        with owned(folder) as ownership:
            (folder / LOCK_FILE).unlink()
            with pytest.raises(SweeperError, match="the lock is gone; nothing more is written"):
                ownership.check()
        assert list(folder.iterdir()) == []

    def test_a_folder_that_is_not_there_is_not_made(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="cannot be locked for writing"), owned(tmp_path / "none"):
            pass
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(code, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    line = rf"^{folder}: cannot be locked for writing \(No locks available\)$"
    with pytest.raises(UsageError, match=line), owned(folder):
        pass
