"""Whether a server of ours on loopback answers yet."""

from http.client import HTTPConnection, HTTPException


def answers(port: int, path: str) -> bool:
    """Say whether the server at a port answers a request with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
