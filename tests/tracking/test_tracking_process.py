"""The mirror's process: told the end by its driver or by its driver's death, and never in the driver's way.

Protects against PITFALLS 10 (two processes make the schema of one new store at once) and against a driver that waits
for, imports, or is stopped by MLflow.
"""

import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import nullcontext

import pytest
from fabricated_folder import Folder, finished
from flaky import Flaky
from observed import observe

from sweeper.errors import UsageError
from sweeper.tracking import Tracking, default_uri
from sweeper.tracking.follow import Driver, follow
from sweeper.tracking.lease import Lease, Leasing, new_cell
from sweeper.tracking.mirror import Mirror
from sweeper.tracking.process import LOG
from sweeper.tracking.store import connect

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")

NOBODY = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""


@pytest.fixture
def driver():
    """A driver and the end of the pipe at which it is told things."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", buffering=0) as tell, new_cell() as cell:
        yield Driver(reader, Lease(cell.fileno())), tell
    os.close(reader)


@pytest.fixture
def processes(monkeypatch):
    """Every mirror's process that a test starts, in order."""
    started, popen = [], subprocess.Popen

    def start(*arguments, **keywords):
        started.append(popen(*arguments, **keywords))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    return started


@pytest.fixture
def silent():
    """A server that takes connections and never answers, and its URI."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(180)
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def wait_until(condition, seconds=180.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


class Watched(Mirror):
    """A mirror that does something of the test's own choosing in each round."""

    def __init__(self, *arguments, each_round, **keywords):
        super().__init__(*arguments, **keywords)
        self.rounds = []
        self._each_round = each_round

    def synchronise(self, outcome=None):
        self.rounds.append(outcome)
        self._each_round(len(self.rounds))
        return super().synchronise(outcome)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("sweeper.tracking.follow.INTERVAL", 0.001)
    monkeypatch.setattr("sweeper.tracking.follow.LONGEST_INTERVAL", 0.002)


@pytest.mark.parametrize(
    ("word", "statuses"),
    [
        (b"finished\n", ["FINISHED", "FINISHED"]),
        (b"interrupted\n", ["KILLED", "KILLED"]),
        (b"failed\n", ["FAILED", "KILLED"]),
        (b"", ["KILLED", "KILLED"]),
    ],
    ids=["finished", "interrupted", "failed", "driver-died"],
)
def test_a_sweep_is_followed_until_its_driver_ends(home, client, driver, impatient, word, statuses):
    folder = Folder(home)
    folder.epochs(folder.begin(), 1)
    driver, tell = driver

    def each_round(number):
        if number == 3:
            folder.epochs(0, 2)
            if word == b"finished\n":
                folder.end(0)
            tell.write(word)
            tell.close()

    mirror = Watched(folder.path, default_uri(home), connect=lambda uri: client, each_round=each_round)
    assert follow(mirror, driver) == 0
    mirror.close()
    assert [outcome is None for outcome in mirror.rounds] == [True, True, True, False]
    runs = observe(client, folder)
    assert [run.status for run in runs] == statuses
    assert [step for step, _, _ in runs[1].histories["val/nll"]] == [1, 2]


def test_a_short_outage_at_the_end_is_waited_for_and_a_long_one_is_left_to_sync(home, client, driver, capsys):
    folder = finished(home)
    driver, tell = driver
    tell.write(b"finished\n")
    back = Flaky(client, lambda number: number < 1, ConnectionError("http://user:secret@host is away"))
    mirror = Mirror(folder.path, default_uri(home), connect=back.connect)
    assert follow(mirror, driver) == 0
    mirror.close()
    tell.write(b"finished\n")
    away = Flaky(client, lambda number: True, ConnectionError("http://user:secret@host is away"))
    mirror = Mirror(folder.path, "http://user:secret@host", connect=away.connect)
    assert follow(mirror, driver, patience=0.0) == 1
    mirror.close()
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert f"'sweeper sync {folder.path.name}'" in said
    assert "http://***@host is away" in said
    assert "secret" not in said


def test_where_mlflow_was_away_before_the_end_it_is_tried_once_more_and_not_waited_for(home, client, driver, impatient):
    folder = finished(home)
    driver, tell = driver
    away = Flaky(client, lambda number: True, ConnectionError("away"))
    end = lambda number: tell.write(b"finished\n") if number == 3 else None  # noqa: E731
    mirror = Watched(folder.path, default_uri(home), connect=away.connect, each_round=end)
    assert follow(mirror, driver, patience=float("inf")) == 1
    mirror.close()
    assert mirror.rounds == [None, None, None, "finished"]


class Asked:
    """A client that does something of the test's own choosing when it is asked."""

    def __init__(self, search_experiments):
        self.search_experiments = search_experiments


def test_a_lease_runs_while_an_answer_is_waited_for_and_anew_when_it_has_come(client):
    with new_cell() as cell:
        lease, seen = Lease(cell.fileno()), []
        assert lease.left <= 0.0
        leasing = Leasing(Asked(lambda: seen.append(lease.left)), lease, first=100.0)
        for _ in range(2):
            leasing.search_experiments()
            seen.append(lease.left)
        assert [math.ceil(seconds) for seconds in seen] == [100, 60, 10, 60]


def test_two_sweeps_that_begin_at_once_in_a_new_home_are_both_tracked(tmp_path):
    """The whole way: two processes of ours, one store that does not exist yet, and MLflow's schema made in it once."""
    uri = default_uri(tmp_path)
    folders = [finished(tmp_path, name) for name in ("first", "second")]
    trackings = [Tracking.start(folder.path, uri) for folder in folders]
    assert [tracking.alive for tracking in trackings] == [True, True]
    assert [tracking.finish("finished") for tracking in trackings] == [True, True], [
        (folder.path / LOG).read_text() for folder in folders
    ]
    assert [tracking.alive for tracking in trackings] == [False, False]
    for folder in folders:
        runs = observe(connect(uri), folder)
        assert [run.status for run in runs] == ["FINISHED", "FINISHED", "KILLED", "FAILED", "FINISHED", "FINISHED"]
        assert runs[0].artifacts == ["sweep.yaml", "verdict.txt"]


@pytest.mark.parametrize("asked", [False, True], ids=["before-it-began", "in-the-middle-of-a-request"])
def test_a_server_that_hangs_does_not_hold_up_the_end(home, monkeypatch, silent, asked):
    """However long a request may take: it is given up after the sweep, or was long overdue then."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "3600")
    listener, uri = silent
    folder = finished(home)
    tracking = Tracking.start(folder.path, uri)
    with listener.accept()[0] if asked else nullcontext():
        assert not tracking.finish("finished")
    assert not tracking.alive
    assert f"{uri} lacks results of {folder.path.name}" in tracking.unsent
    assert str(folder.path / LOG) in tracking.unsent


def test_a_mirror_that_does_not_get_on_is_stopped(home, processes):
    tracking = Tracking.start(finished(home).path, NOBODY)
    os.kill(processes[0].pid, signal.SIGSTOP)
    tracking._lease.extend(0.2)
    assert not tracking.finish("finished")
    assert processes[0].returncode == -signal.SIGKILL


def test_ctrl_c_ends_the_waiting_and_nothing_else(home, monkeypatch, processes):
    tracking = Tracking.start(finished(home).path, NOBODY)
    wait = processes[0].wait

    def interrupted(timeout=None):
        monkeypatch.setattr(processes[0], "wait", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(processes[0], "wait", interrupted)
    assert not tracking.finish("finished")
    assert processes[0].returncode == -signal.SIGKILL


def test_a_mirror_that_was_killed_is_started_again_at_the_end_so_that_nothing_is_missing(home, client, processes):
    folder = finished(home)
    tracking = Tracking.start(folder.path, default_uri(home))
    processes[0].kill()
    processes[0].wait()
    assert tracking.finish("finished"), (folder.path / LOG).read_text()
    assert len(processes) == 2
    assert [run.status for run in observe(client, folder)].count("FINISHED") == 4


def test_a_mirror_that_was_killed_is_started_again_while_the_sweep_runs(home, client, monkeypatch, processes):
    monkeypatch.setattr("sweeper.tracking.process.CHECK", 0.01)
    folder = finished(home)
    tracking = Tracking.start(folder.path, default_uri(home))
    processes[0].kill()
    wait_until(lambda: len(processes) == 2 and len(client.search_experiments()) == 2)
    assert tracking.alive
    assert tracking.finish("finished"), (folder.path / LOG).read_text()
    assert [run.status for run in observe(client, folder)].count("FINISHED") == 4


def test_a_folder_that_is_gone_at_the_end_is_no_reason_to_fail(home, processes):
    """The home may be deleted under a sweep; the mirror has no log to be started again with."""
    folder = finished(home)
    tracking = Tracking.start(folder.path, NOBODY)
    processes[0].kill()
    processes[0].wait()
    shutil.rmtree(folder.path)
    assert not tracking.finish("failed")
    assert len(processes) == 1


def test_a_uri_that_mlflow_does_not_know_is_refused_before_anything_starts(home):
    folder = finished(home)
    with pytest.raises(UsageError, match=r"found the tracking URI 'htp://\*\*\*@host'; must begin with http://"):
        Tracking.start(folder.path, "htp://user:secret@host")
    assert not (folder.path / LOG).exists()


def test_no_command_line_shows_the_uri_and_no_folder_of_the_user_is_searched_for_modules(home, monkeypatch):
    folder = finished(home)
    started = []

    def popen(command, **keywords):
        started.append((command, keywords))
        raise OSError("not in this test")

    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(OSError, match="not in this test"):
        Tracking.start(folder.path, "http://user:secret@host")
    ((command, keywords),) = started
    assert "secret" not in " ".join(command)
    assert keywords["env"]["MLFLOW_TRACKING_URI"] == "http://user:secret@host"
    assert "-P" in command


def test_the_driver_imports_neither_mlflow_nor_optuna():
    program = "import sys, sweeper.tracking; print(sorted({'mlflow', 'optuna', 'torch', 'ray'} & sys.modules.keys()))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "[]\n"
