"""Protects what is done with a cluster that is up, on own machines: jobs watched, versions kept apart, tunnels."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cluster_calling import Sweeper
from fakes import Fakes

from sweeper.cluster.jobs import Job

FILE = str(Path(__file__).parents[2] / "cluster" / "machines.yaml")
OWN = ("--set", "head=gpu1", "--set", "ssh.user=ada", "--set", "home=/shared/sweeps")


class Jobs:
    """One job, which is in the next of its states at every look."""

    def __init__(self, *states: str, log: str = "sweep /shared/sweeps/small-1\n") -> None:
        self._states = list(states)
        self._log = log

    def find(self, name: str | None) -> Job:
        return Job(name or "latest", self._states.pop(0), datetime(2027, 1, 1, tzinfo=UTC), None, "exit code 2")

    def all(self) -> list[Job]:
        return [self.find("first")]

    def log(self, _name: str) -> str:
        return self._log

    def sweep_of(self, _name: str) -> str | None:
        return "small-1" if self._log else None


@pytest.fixture(autouse=True)
def _up(sweeper: Sweeper, fakes: Fakes, wheel: None) -> None:
    assert sweeper("cluster", "up", FILE, *OWN, "--yes").code == 0


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[Jobs]:
    """The jobs that there are, to be put in."""
    there: list[Jobs] = []

    @contextmanager
    def jobs_on(_cluster: object, _state: object) -> Iterator[Jobs]:
        yield there[0]

    monkeypatch.setattr("sweeper.cli.cluster.watching.jobs_on", jobs_on)
    monkeypatch.setattr("sweeper.cli.cluster.starting.jobs_on", jobs_on)
    monkeypatch.setattr("sweeper.cli.cluster.watching.EVERY", 0.0)
    return there


def shows(fakes: Fakes) -> int:
    return sum("sweeper show small-1" in call for call in fakes.calls())


def test_attach_looks_until_the_job_ends(sweeper: Sweeper, fakes: Fakes, given: list[Jobs]) -> None:
    given.append(Jobs("RUNNING", "RUNNING", "SUCCEEDED"))
    ended = sweeper("cluster", "attach")
    assert (ended.code, ended.err) == (0, "")
    assert shows(fakes) == 3
    assert ended.out.endswith("ssh is content\njob latest: SUCCEEDED\n")


def test_attach_ends_as_the_sweep_does(sweeper: Sweeper, given: list[Jobs]) -> None:
    given.append(Jobs("FAILED"))
    ended = sweeper("cluster", "attach", "second")
    assert ended.code == 1
    assert ended.complaint == "error: job second has failed: exit code 2"


def test_a_job_that_was_stopped_was_interrupted(sweeper: Sweeper, given: list[Jobs]) -> None:
    given.append(Jobs("STOPPED"))
    assert sweeper("cluster", "attach").code == 130


def test_before_a_sweep_has_begun_its_log_is_shown(sweeper: Sweeper, fakes: Fakes, given: list[Jobs]) -> None:
    given.append(Jobs("SUCCEEDED", log=""))
    assert sweeper("cluster", "attach").out.endswith("job latest: SUCCEEDED\n")
    assert shows(fakes) == 0


def test_another_version_is_not_installed_beneath_a_sweep(
    sweeper: Sweeper, fakes: Fakes, given: list[Jobs], place: Path
) -> None:
    (place / ".sweeper" / "clusters" / "machines" / "node" / "sweeper-0.1.0+gabc-py3-none-any.whl").touch()
    given.append(Jobs("RUNNING", "SUCCEEDED"))
    before = fakes.calls()
    ended = sweeper("cluster", "up", FILE, *OWN, "--yes")
    assert (ended.code, fakes.calls()) == (2, before)
    assert "found the job first running on another version; must end before commit" in ended.complaint
    assert sweeper("cluster", "up", FILE, *OWN, "--yes").code == 0


@pytest.mark.parametrize("words", [("tunnel",), ("logs",), ("submit", "--resume", "latest")])
def test_a_head_that_lets_nobody_in_is_one_line(sweeper: Sweeper, fakes: Fakes, words: tuple[str, ...]) -> None:
    fakes.fail("-N", "ada@gpu1: Permission denied (publickey).")
    ended = sweeper("cluster", *words)
    assert ended.code == 1
    assert ended.complaint == (
        "error: tunnel to gpu1: ada@gpu1: Permission denied (publickey); "
        "see that the machine runs and lets you in by SSH"
    )


def test_a_sweep_that_is_wrong_is_refused_before_anything_is_sent(sweeper: Sweeper, fakes: Fakes, place: Path) -> None:
    (place / "wrong.yaml").write_text("name: wrong\n")
    before = fakes.calls()
    ended = sweeper("cluster", "submit", "wrong.yaml")
    assert (ended.code, fakes.calls()) == (2, before)
    assert "wrong.yaml" in ended.complaint
