"""A server that passes requests on to another one, and gets some of them wrong until it is healed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fault = Literal["error", "unavailable", "refused", "lost", "cut", "hang", "slow"]
"""What becomes of a request: 500 or 503 instead of an answer; the connection dropped before it is passed on, after it
was carried out, or in the middle of the answer; no answer at all; one that takes its time."""

SLOW = 0.05
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class FaultyServer(ThreadingHTTPServer):
    """Asks ``script`` about each request, and behaves when it has run out; `healed` is set then."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: int, script: Iterator[Fault | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.suffered: list[Fault] = []
        self.healed = threading.Event()
        self._script = script
        self._lock = threading.Lock()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def next_fault(self) -> Fault | None:
        with self._lock:
            try:
                fault = next(self._script)
            except StopIteration:
                self.healed.set()
                return None
            self.suffered += [] if fault is None else [fault]
            return fault

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that has given up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.server.next_fault():
            case "error":
                self._answer(500, {}, b"out of luck")
            case "unavailable":
                self._answer(503, {"Retry-After": "3600"}, b"come back later")
            case "refused":
                self.close_connection = True
            case "lost":
                self._pass_on(body)
                self.close_connection = True
            case "cut":
                status, headers, content = self._pass_on(body)
                self._answer(status, headers, content[: len(content) // 2], promised=len(content) + 1)
                self.close_connection = True
            case "hang":
                self.server.healed.wait()
                self.close_connection = True
            case "slow":
                threading.Event().wait(SLOW)
                self._answer(*self._pass_on(body))
            case None:
                self._answer(*self._pass_on(body))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

    def _pass_on(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.server.upstream, timeout=120)
        try:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(self.command, self.path, body, kept)
            response: HTTPResponse = connection.getresponse()
            headers = {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP}
            return response.status, headers, response.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes, promised: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) if promised is None else promised))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """Keep the test's output clean."""


@contextmanager
def faulty_server(upstream: int, script: Iterator[Fault | None]) -> Iterator[FaultyServer]:
    """A server in front of the one at the port ``upstream``, stopped in the end."""
    with FaultyServer(upstream, script) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.healed.set()
            server.shutdown()
            thread.join()
