"""A store that lists nothing and forbids what a test names, as a bucket does to whom its policy does not allow it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

NOTHING = (
    b'<?xml version="1.0"?><ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>'
)
FORBIDDEN = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'


@contextmanager
def forbidding_store(*methods: str) -> Iterator[str]:
    """Answer requests with one of these methods with 403; yield the URL of the store."""

    class Handler(BaseHTTPRequestHandler):
        """Answers in the protocol of S3."""

        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            forbidden = self.command in methods
            self.send_response(403 if forbidden else 200)
            self.end_headers()
            self.wfile.write(FORBIDDEN if forbidden else NOTHING)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any  # noqa: N815 -- http.server's own names

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
