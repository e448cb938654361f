"""Fetching one file from the first mirror that has it.

torchvision's own download is not used: importing torchvision takes seconds, it waits without limit for a silent
network, and it leaves each file twice, gzipped and unpacked.
"""

import logging
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from uuid import uuid4

PATIENCE = 20.0  # seconds that a mirror may be silent

logger = logging.getLogger(__name__)


def download(mirrors: Sequence[str], target: Path, genuine: Callable[[bytes], bool]) -> None:
    """Write the file to `target`, at once as a whole, so that processes on many machines may do the same.

    Args:
        mirrors: addresses of the same file, tried in turn.
        target: where to write it; its folders are made.
        genuine: tells the published content from anything else a mirror may send.

    Raises:
        OSError: no mirror sent the published content, or it cannot be written; the message is one line.

    """
    content = _first_genuine(mirrors, genuine)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{uuid4().hex}.part")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _first_genuine(mirrors: Sequence[str], genuine: Callable[[bytes], bool]) -> bytes:
    failures = []
    for url in mirrors:
        logger.info("downloading %s", url)
        try:
            content = _get(url)
        except (OSError, HTTPException) as error:
            failures.append(f"{url}: {error}")
            continue
        if genuine(content):
            return content
        failures.append(f"{url}: sent something else, {len(content)} bytes whose md5 is not the published one")
    raise OSError("; ".join(failures))


def _get(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "sweeper"})  # noqa: S310 - addresses are constants
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
        content: bytes = response.read()
    return content
