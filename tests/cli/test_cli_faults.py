"""Protects the last line of defence: whatever goes wrong is one line for the user, without secrets, no traceback."""

import re
import subprocess
from pathlib import Path

import pytest
from calling import CONSOLE_SCRIPT, Sweeper, check_complaint, environment

from sweeper.errors import SweeperError

SECRET = "postgresql://me:hunter2@host/db"


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let `sweeper list` raise what the test says."""

    def break_down(*_: object) -> None:
        raise request.param

    monkeypatch.setattr("sweeper.cli.showing.list_sweeps", break_down)


@pytest.mark.parametrize("broken", [KeyError(f"{SECRET}\nand more")], indirect=True)
def test_a_defect_is_told_in_one_line_and_its_traceback_is_in_a_file(sweeper: Sweeper, broken: None) -> None:
    line = check_complaint(sweeper("list"), code=1)
    assert line.startswith("error: this is a defect of sweeper: KeyError: ")
    (path,) = re.findall(r"the traceback is in (\S+)$", line)
    written = Path(path).read_text()
    Path(path).unlink()
    assert "in break_down" in written
    assert "hunter2" not in line + written


@pytest.mark.parametrize("broken", [RuntimeError()], indirect=True)
def test_a_defect_is_told_where_its_traceback_cannot_be_written(
    sweeper: Sweeper, broken: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert "RuntimeError: ; its traceback could not be written (No such file" in check_complaint(sweeper("list"), 1)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (PermissionError(13, "Permission denied", "/a/b"), "permission denied: /a/b; make it writable"),
        (OSError(5, "Input/output error", "/a/b"), "input/output error: /a/b; see to that"),
        (OSError("no number"), "no number: {cwd}; see to that"),
    ],
    indirect=["broken"],
    ids=["name and remedy", "name", "message"],
)
def test_what_the_system_refuses_is_told_with_its_path(
    sweeper: Sweeper, workplace: Path, broken: None, told: str
) -> None:
    assert check_complaint(sweeper("list"), code=1) == f"error: {told.format(cwd=workplace)}\n"


@pytest.mark.parametrize("broken", [SweeperError(f"no {SECRET}"), OSError(f"no {SECRET}")], indirect=True)
def test_no_message_shows_a_secret(sweeper: Sweeper, broken: None) -> None:
    line = check_complaint(sweeper("list"), code=1)
    assert "hunter2" not in line
    assert "host/db" in line


def shell(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", line.replace("sweeper", str(CONSOLE_SCRIPT))]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False, timeout=120)


def test_output_that_nobody_reads_to_its_end_is_no_fault_to_speak_of(workplace: Path) -> None:
    ended = shell("{ sweeper models --json; echo $? > code; } | true", workplace)
    assert (ended.stdout, ended.stderr) == ("", "")
    assert (workplace / "code").read_text() == "1\n"


def test_output_that_there_is_no_room_for_is_told_in_one_line(workplace: Path) -> None:
    ended = shell("ulimit -f 1; sweeper models --json > out.json", workplace)
    assert ended.returncode == 1
    assert ended.stderr == f"error: file too large: {workplace}; raise the limit\n"
