"""The metadata service of a spot machine, on loopback: what AWS serves at 169.254.169.254, as far as notices go."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

NOTICE = "/latest/meta-data/spot/instance-action"


class Service(ThreadingHTTPServer):
    """A service that gives a notice when a test says so, and answers nobody without a token that holds."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content: str | None = None
        """What it serves for a notice."""
        self.broken = False
        self.asked: list[str] = []
        """The method and the path of every request."""
        self._tokens = map(str, count(1))
        self.token = next(self._tokens)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def give_notice(self, time: datetime, action: str = "terminate") -> None:
        self.content = json.dumps({"action": action, "time": f"{time:%Y-%m-%dT%H:%M:%SZ}"})

    def forget_tokens(self) -> None:
        """Let those that were given out hold no longer."""
        self.token = next(self._tokens)


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_PUT(self) -> None:
        self.server.asked.append(f"PUT {self.path}")
        if self.server.broken:
            self._answer(503)
        elif self.path == "/latest/api/token" and self.headers["X-aws-ec2-metadata-token-ttl-seconds"] == "21600":
            self._answer(200, self.server.token)
        else:
            self._answer(400)

    def do_GET(self) -> None:
        self.server.asked.append(f"GET {self.path}")
        if self.server.broken:
            self._answer(503)
        elif self.headers["X-aws-ec2-metadata-token"] != self.server.token:
            self._answer(401)
        elif self.path != NOTICE or self.server.content is None:
            self._answer(404)
        else:
            self._answer(200, self.server.content)

    def log_message(self, *words: object) -> None:  # type: ignore[override]
        """Say nothing."""

    def _answer(self, status: int, content: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())


@contextmanager
def metadata_service() -> Iterator[Service]:
    """A service, until the end of the context."""
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()
