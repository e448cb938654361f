"""The metadata service of one machine, as AWS serves it at 169.254.169.254: IMDSv2, spot notices and a role's keys.

What it answers lies in the machine's folder, so that a notice is given by writing a file: ``notice.json`` holds what
AWS would serve as ``spot/instance-action``.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

ADDRESS = ("169.254.169.254", 80)
NOTICE = "notice.json"
ROLE = "laboratory"


class Handler(BaseHTTPRequestHandler):
    """Answers as IMDSv2 does: nothing without a token."""

    machine: Path
    instance: str
    tokens: ClassVar[set[str]] = set()

    def do_PUT(self) -> None:
        """Give out a token."""
        if self.path != "/latest/api/token" or "X-aws-ec2-metadata-token-ttl-seconds" not in self.headers:
            self._answer(400)
            return
        token = uuid4().hex
        self.tokens.add(token)
        self._answer(200, token)

    def do_GET(self) -> None:
        """Answer who has a token."""
        if self.headers.get("X-aws-ec2-metadata-token") not in self.tokens:
            self._answer(401)
            return
        content = self._content(self.path.removeprefix("/latest/meta-data/"))
        self._answer(404 if content is None else 200, content or "")

    def log_message(self, *_: object) -> None:
        """Say nothing: it is asked every few seconds."""

    def _content(self, path: str) -> str | None:
        if path == "spot/instance-action":
            notice = self.machine / NOTICE
            return notice.read_text() if notice.exists() else None
        if path == "iam/security-credentials/":
            return ROLE
        if path == f"iam/security-credentials/{ROLE}":
            expires = datetime.now(UTC) + timedelta(hours=6)
            keys = {"AccessKeyId": "laboratory", "SecretAccessKey": "laboratory", "Token": "laboratory"}
            return json.dumps({"Code": "Success", **keys, "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}"})
        return {"instance-id": self.instance}.get(path)

    def _answer(self, status: int, content: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content.encode())))
        self.end_headers()
        self.wfile.write(content.encode())


if __name__ == "__main__":
    Handler.machine, Handler.instance = Path(sys.argv[1]), (Path(sys.argv[1]) / "instance").read_text()
    ThreadingHTTPServer(ADDRESS, Handler).serve_forever()
