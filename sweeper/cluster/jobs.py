"""Sweeps as jobs of Ray: submitted, listed and listened to through its job API, which asks for the token."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sweeper.cluster.commands import LOOPBACK, Login, Machine
from sweeper.cluster.reaching import forwarded, free_port
from sweeper.errors import SweeperError, UsageError, one_line

DASHBOARD_PORT = 8265
EVERY = 1.0
"""Seconds until Ray is asked again for the log of a job that goes on."""
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
_SWEEP = re.compile(r"^sweep (?:\S*/)?(?P<name>[^/\s]+)$", re.MULTILINE)
"""What a driver prints first."""


@dataclass(frozen=True)
class Job:
    """A sweep that was submitted."""

    name: str
    state: str
    """In Ray's words: PENDING, RUNNING, SUCCEEDED, FAILED, STOPPED."""
    begun: datetime | None
    ended: datetime | None
    message: str

    @property
    def has_ended(self) -> bool:
        """Whether it will not go on by itself."""
        return self.state in _ENDED


class Jobs:
    """The jobs of one cluster."""

    def __init__(self, client: Any) -> None:
        """Take a client of Ray's job API."""
        self._client = client

    def all(self) -> list[Job]:
        """Return those that were submitted, the oldest first."""
        with _telling("list jobs"):
            found = [_job(details) for details in self._client.list_jobs() if details.submission_id]
        return sorted(found, key=lambda job: job.begun or datetime.max.replace(tzinfo=UTC))

    def find(self, name: str | None) -> Job:
        """Return the job of a name, of no name the latest; raise UsageError where there is none."""
        found = self.all()
        names = [job.name for job in found]
        if not found:
            raise UsageError("no sweep was submitted; 'sweeper cluster submit FILE' submits one")
        if name is not None and name not in names:
            raise UsageError(f"found the job {name!r}; must be one of: {', '.join(names)}")
        return found[-1] if name is None else found[names.index(name)]

    def submit(self, name: str, command: str, folder: Path) -> None:
        """Start a job on the head, in a copy of ``folder``."""
        with _telling("submit the sweep"):
            self._client.submit_job(entrypoint=command, submission_id=name, runtime_env={"working_dir": str(folder)})

    def log(self, name: str) -> str:
        """Return what a job has printed."""
        with _telling("read the job's log"):
            return str(self._client.get_job_logs(name))

    def follow(self, name: str, write: Callable[[str], None]) -> Job:
        """Hand on what a job prints until it has ended; return how.

        Ray's server may end a reply before the job has: then it is asked again, and what it repeats is left out.
        """
        printed = _Once(write)
        while True:
            with _telling("follow the job's log"):
                asyncio.run(_copy(self._client.tail_job_logs(name), printed))
            job = self.find(name)
            if job.has_ended:
                printed.begin()
                printed(self.log(name))
                return job
            time.sleep(EVERY)

    def sweep_of(self, name: str) -> str | None:
        """Return the name of the sweep that a job runs; ``None`` before it has begun."""
        found = _SWEEP.search(self.log(name))
        return None if found is None else found["name"]


@contextmanager
def jobs_of(login: Login, head: Machine, token: Path) -> Iterator[Jobs]:
    """Open the job API of the cluster with this head, through a tunnel."""
    client = _client_class()
    if not token.is_file():
        raise SweeperError(f"{token}: no such file; must be the token that 'sweeper cluster up' has made")
    headers = {"Authorization": f"Bearer {token.read_text().strip()}"}
    port = free_port()
    with forwarded(login, head, {port: DASHBOARD_PORT}), _quiet():
        with _telling("reach Ray on the head"):
            opened = client(f"http://{LOOPBACK}:{port}", headers=headers)
        yield Jobs(opened)


def _client_class() -> Any:
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError as error:
        raise UsageError("found Ray without its job API; must be installed with: pip install 'sweeper[aws]'") from error
    return JobSubmissionClient


class _Once:
    """Writes a text that is handed over more than once, each time from its beginning."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._written = self._seen = 0

    def begin(self) -> None:
        """Expect the text from its beginning."""
        self._seen = 0

    def __call__(self, chunk: str) -> None:
        """Write what of the next part of the text is new."""
        known = max(0, self._written - self._seen)
        self._seen += len(chunk)
        if len(chunk) > known:
            self._write(chunk[known:])
            self._written = self._seen


async def _copy(chunks: AsyncIterator[str], printed: _Once) -> None:
    printed.begin()
    async for chunk in chunks:
        printed(chunk)


@contextmanager
def _telling(task: str) -> Iterator[None]:
    try:
        yield
    except SweeperError:
        raise
    except Exception as error:  # Of Ray, of requests, of aiohttp: none of them has a common root.
        raise SweeperError(f"{task}: {one_line(error)}; see 'sweeper cluster status', and call it again") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray's client from telling about every package that it uploads."""
    logger = logging.getLogger("ray")
    before, propagate = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [logging.NullHandler()], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before, propagate


def _job(details: Any) -> Job:
    begun, ended = _time(details.start_time), _time(details.end_time)
    return Job(details.submission_id, str(details.status.value), begun, ended, details.message or "")


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
