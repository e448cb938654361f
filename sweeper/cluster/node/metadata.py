"""What AWS tells a machine about itself: the instance metadata service, version 2 (IMDSv2)."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import Self
from urllib.parse import urlsplit

ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
"""The variable that says where the service is, of boto3 and AWS's other libraries too."""
DEFAULT_ENDPOINT = "http://169.254.169.254"

_TIMEOUT = 2.0
_TOKEN_SECONDS = 6 * 60 * 60
"""For how long a token holds: the longest that the service allows."""
_UNAUTHORIZED, _NOT_FOUND, _OK = 401, 404, 200


class MetadataError(Exception):
    """The service does not answer, or not as it should."""


@dataclass(frozen=True)
class Notice:
    """AWS takes a spot machine back: what it does to the machine, and when."""

    action: str
    time: datetime

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what ``spot/instance-action`` says; raise MetadataError where that is no notice."""
        try:
            said = json.loads(text)
            return cls(str(said["action"]), datetime.fromisoformat(said["time"]))
        except (ValueError, LookupError, TypeError):
            raise MetadataError(f"found {text[:100]!r} for a notice") from None


class Metadata:
    """The service, asked with a token that is asked for first, and anew when it has run out.

    No proxy is used, whatever the environment says: the service answers none but its own machine.
    """

    def __init__(self, endpoint: str | None = None) -> None:
        """Take the service at ``endpoint``, a URL; by default where the environment says."""
        self._address = urlsplit(endpoint or os.environ.get(ENDPOINT, DEFAULT_ENDPOINT)).netloc
        self._token = ""

    def notice(self) -> Notice | None:
        """Return the notice that this machine was given, ``None`` while there is none; may raise MetadataError."""
        status, text = self._read("/latest/meta-data/spot/instance-action")
        if status == _NOT_FOUND:
            return None
        if status != _OK:
            raise MetadataError(f"{self._address} answers with status {status}")
        return Notice.parse(text)

    def _read(self, path: str) -> tuple[int, str]:
        status, text = self._get(path) if self._token else (_UNAUTHORIZED, "")
        if status != _UNAUTHORIZED:
            return status, text
        lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)}
        status, text = self._ask("PUT", "/latest/api/token", lifetime)
        if status != _OK:
            return status, text
        self._token = text
        return self._get(path)

    def _get(self, path: str) -> tuple[int, str]:
        return self._ask("GET", path, {"X-aws-ec2-metadata-token": self._token})

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
        connection = HTTPConnection(self._address, timeout=_TIMEOUT)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        except (OSError, HTTPException, ValueError) as error:
            raise MetadataError(f"{self._address} does not answer ({type(error).__name__}: {error})") from None
        finally:
            connection.close()
