"""Protects the network: workers of one machine that begin at once download a data set once, whoever dies of them."""

import http.server
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from sweeper.cache import cache_folder
from sweeper.training.data.files import md5
from sweeper.training.once import by_one_process

CONTENT = b"some images " * 1000
DEADLINE = 240
"""Seconds; the processes import PyTorch, which takes long where much else goes on."""
FETCHING = Path(__file__).with_name("fetching.py")


class Slow(http.server.ThreadingHTTPServer):
    """Counts who asks for the file, and sends it when it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Sending)
        self.asked = threading.Semaphore(0)
        self.requests = 0
        self.send = threading.Event()


class Sending(http.server.BaseHTTPRequestHandler):
    server: Slow

    def do_GET(self) -> None:
        if self.headers["Method"] != "HEAD":  # So torchvision looks first where a redirection leads.
            self.server.requests += 1
            self.server.asked.release()
            self.server.send.wait(DEADLINE)
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):  # Who asked may have been killed.
            self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def server() -> Iterator[Slow]:
    with Slow() as slow:
        thread = threading.Thread(target=slow.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield slow
        slow.send.set()
        slow.shutdown()
        thread.join()


Fetch = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def fetch(server: Slow, tmp_path: Path) -> Iterator[Fetch]:
    """Returns a function that starts a process that reads the file, which is not in the folder yet."""
    address = f"http://127.0.0.1:{server.server_port}"
    command = [sys.executable, str(FETCHING), address, str(tmp_path / "data"), md5(CONTENT)]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with ExitStack() as stack:

        def start() -> subprocess.Popen[str]:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def wait_until_locked(process: subprocess.Popen[str]) -> None:
    """Wait until a process holds, or waits for, the one lock of the cache: it has the lock's file open."""
    pause, tries = threading.Event(), DEADLINE * 50
    while not any(cache_folder() in path.parents for path in opened(process.pid)):
        assert (tries := tries - 1), "the process never came to the lock"
        pause.wait(0.02)


def opened(process: int) -> list[Path]:
    links = Path(f"/proc/{process}/fd")
    return [link.readlink() for link in links.iterdir() if link.is_symlink()]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_workers_that_begin_at_once_download_once_and_a_killed_one_is_in_nobodys_way(
    server: Slow, fetch: Fetch, tmp_path: Path
) -> None:
    killed = fetch()
    assert server.asked.acquire(timeout=DEADLINE)
    workers = [fetch() for _ in range(2)]
    for worker in workers:
        wait_until_locked(worker)
    assert server.requests == 1
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=DEADLINE)
    assert server.asked.acquire(timeout=DEADLINE), "nobody takes over"
    server.send.set()
    assert [worker.communicate(timeout=DEADLINE)[0] for worker in workers] == [f"{len(CONTENT)}\n"] * 2
    assert server.requests == 2
    assert [path.name for path in (tmp_path / "data").rglob("*") if path.is_file()] == ["images"]


def test_where_no_lock_can_be_had_nobody_waits(cache: Path) -> None:
    cache.write_bytes(b"")
    with by_one_process(cache / "anything"):
        assert cache.read_bytes() == b""
