"""Protects how jobs are followed: all of a log once, whatever the server does, and what is wrong in one line."""

from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace

import pytest

from sweeper.cluster import jobs
from sweeper.cluster.jobs import Jobs
from sweeper.errors import SweeperError, UsageError


class Server:
    """Replies of Ray's job server: a log in several replies, each from its beginning, and states after each."""

    def __init__(self, replies: Sequence[Sequence[str]], states: Sequence[str], log: str) -> None:
        self._replies = list(replies)
        self._states = list(states)
        self._log = log

    async def tail_job_logs(self, _name: str) -> AsyncIterator[str]:
        for chunk in self._replies.pop(0):
            yield chunk

    def get_job_logs(self, _name: str) -> str:
        return self._log

    def list_jobs(self) -> list[SimpleNamespace]:
        state = SimpleNamespace(value=self._states.pop(0))
        own = {"start_time": 1_800_000_000_000, "end_time": None, "message": "no luck", "status": state}
        return [
            SimpleNamespace(submission_id=None, start_time=1, end_time=None, message=None, status=state),  # No sweep.
            SimpleNamespace(submission_id="second", **{**own, "start_time": 1_900_000_000_000}),
            SimpleNamespace(submission_id="first", **own),
        ]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "EVERY", 0.0)


def followed(server: Server) -> tuple[str, str]:
    written: list[str] = []
    job = Jobs(server).follow("first", written.append)
    return "".join(written), job.state


def test_a_log_is_followed_to_its_end() -> None:
    assert followed(Server([["a\n", "b\n"]], ["SUCCEEDED"], "a\nb\n")) == ("a\nb\n", "SUCCEEDED")


def test_a_reply_that_ends_too_soon_is_taken_up_again() -> None:
    replies = [["a\n", "b\n"], [], ["a\nb", "\nc\n"]]
    server = Server(replies, ["RUNNING", "RUNNING", "FAILED"], "a\nb\nc\nd\n")
    assert followed(server) == ("a\nb\nc\nd\n", "FAILED")


def test_the_latest_is_meant_where_none_is_named() -> None:
    assert Jobs(Server([], ["RUNNING"], "")).find(None).name == "second"


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^found the job 'third'; must be one of: first, second$"):
        Jobs(Server([], ["RUNNING"], "")).find("third")


@pytest.mark.parametrize(
    ("log", "name"),
    [
        ("Running entrypoint\nsweep s3://bucket/sweeps/small-1\ntracked in x\n", "small-1"),
        ("sweep /a/b\n", "b"),
        ("", None),
    ],
)
def test_the_sweep_of_a_job_is_what_its_driver_says_first(log: str, name: str | None) -> None:
    assert Jobs(Server([], [], log)).sweep_of("first") == name


def test_what_the_server_refuses_is_one_line() -> None:
    with pytest.raises(
        SweeperError, match=r"^list jobs: IndexError: pop from empty list; see 'sweeper cluster status'"
    ):
        Jobs(Server([], [], "")).all()
