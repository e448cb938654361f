"""Protects the runner of steps: one line for what fails, all output in a log, and no secret in either."""

import sys
from pathlib import Path

import pytest

from sweeper.cluster.running import Runner, Step, StepError, reason

LAUNCHER = """\
  [6/7] Running setup commands
    (0/1) pip install -r x
ERROR: No matching distribution found for ray==9.9
Shared connection to 203.0.113.20 closed.
2026-11-21 15:58:51,198\tINFO node_provider.py:114 -- ClusterState: Writing cluster state: ['203.0.113.20']
  New status: update-failed
  !!!
  Full traceback: Traceback (most recent call last):
  File "ray/autoscaler/_private/updater.py", line 172, in run
    self.do_update()
click.exceptions.ClickException: SSH command failed.

  Error message: SSH command failed.
  !!!

  Failed to setup head node.
"""
"""The end of what `ray up` of Ray 2.60 prints where a command of the head's fails."""
SECRET = "5f1c4a9e7d3b2f60"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def runner(tmp_path: Path, said: list[str]) -> Runner:
    return Runner(tmp_path / "log.txt", said.append, secrets=(SECRET,))


def test_a_step_says_what_it_does_and_returns_what_it_printed(runner: Runner, said: list[str], tmp_path: Path) -> None:
    assert runner.run(Step("greet", python("print('hello')"), "call again")) == "hello"
    assert said == ["greet"]
    assert (tmp_path / "log.txt").read_text().endswith("greet: hello\n")


def test_a_failing_step_says_which_why_and_what_to_do(runner: Runner, tmp_path: Path) -> None:
    failing = python("import sys; print('fine'); print('E: no such package', file=sys.stderr); sys.exit(3)")
    with pytest.raises(StepError) as raised:
        runner.run(Step("install on gpu2", failing, "put that right, then run it again"))
    assert str(raised.value) == (
        "install on gpu2: E: no such package; put that right, then run it again "
        f"(all that was printed: {tmp_path / 'log.txt'})"
    )


def test_a_step_that_prints_nothing_says_its_code(runner: Runner) -> None:
    with pytest.raises(StepError, match=r"wait: python\S* ended with code 4; look"):
        runner.run(Step("wait", python("raise SystemExit(4)"), "look"))


def test_a_program_that_is_not_there_is_named(runner: Runner) -> None:
    with pytest.raises(StepError, match="start: no-such-program: No such file or directory; install it"):
        runner.run(Step("start", ("no-such-program", "up"), "install it"))


def test_secrets_are_neither_in_the_log_nor_in_the_line(
    runner: Runner, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    runner = Runner(tmp_path / "log.txt", said.append, secrets=(SECRET,))
    printed = f"print('{SECRET} wJalrXUtnFEMI/K7MDENG postgresql://ada:pw@host/db false'); raise SystemExit(1)"
    with pytest.raises(StepError) as raised:
        runner.run(Step("tell", python(printed), "stop"))
    for text in (str(raised.value), (tmp_path / "log.txt").read_text()):
        assert "*** *** postgresql://***@host/db false" in text
        assert SECRET not in text


def test_the_log_is_its_owners_alone(runner: Runner, tmp_path: Path) -> None:
    runner.run(Step("greet", python("print('hello')"), "call again"))
    assert (tmp_path / "log.txt").stat().st_mode & 0o777 == 0o600


def test_a_step_reads_its_content_and_finds_its_environment_and_folder(runner: Runner, tmp_path: Path) -> None:
    code = "import os, sys; print(len(sys.stdin.buffer.read()), os.environ['HUE'], os.getcwd())"
    step = Step("read", python(code), "no", {"HUE": "blue"}, content=b"x" * 1_000_000, folder=tmp_path)
    assert runner.run(step) == f"1000000 blue {tmp_path}"


def test_no_step_waits_for_somebody_to_type(runner: Runner) -> None:
    assert runner.run(Step("read", python("import sys; print(repr(sys.stdin.read()))"), "no")) == "''"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["E: it broke", "", "Shared connection to 10.0.0.4 closed."], "E: it broke"),
        (LAUNCHER.splitlines(), "ERROR: No matching distribution found for ray==9.9"),
        (["ERROR: nothing fits", "[notice] A new release of pip is available"], "ERROR: nothing fits"),
        (["", "  "], None),
        ([], None),
    ],
)
def test_the_reason_is_the_last_line_that_says_something(lines: list[str], why: str | None) -> None:
    assert reason(lines) == why
