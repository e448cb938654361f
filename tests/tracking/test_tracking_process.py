"""The mirror's process: told the end by its driver or by its driver's death, and never in the driver's way.

Protects against PITFALLS 10 (two processes make the schema of one new store at once) and against a driver that waits
for, imports, or is stopped by MLflow.
"""

import os
import subprocess
import sys

import pytest
from fabricated_folder import Folder, finished
from flaky import Flaky
from observed import observe

from sweeper.errors import UsageError
from sweeper.tracking import Tracking, default_uri
from sweeper.tracking.follow import Driver, follow
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
    with os.fdopen(writer, "wb", buffering=0) as tell:
        yield Driver(reader), tell
    os.close(reader)


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


def test_an_outage_at_the_end_is_waited_for_and_longer_ones_are_left_to_sync(home, client, driver, capsys):
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


def test_a_mirror_that_hangs_is_stopped_and_the_driver_told_how_to_send_the_rest(home):
    folder = finished(home)
    tracking = Tracking.start(folder.path, NOBODY)
    assert not tracking.finish("finished", timeout=0.0)
    assert not tracking.alive
    assert f"{NOBODY} lacks results of {folder.path.name}" in tracking.unsent
    assert str(folder.path / LOG) in tracking.unsent


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
