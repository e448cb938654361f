"""Watches over a spot machine: when AWS gives notice that it takes the machine back, Ray is told, with the time left.

    python -m sweeper.cluster.node.watch --address HEAD:6379

runs on every machine for as long as that is there. Ray then places nothing on the node any more, and each worker there
leaves its trial to another node after the epoch that it is in (`sweeper.execution.draining`).

Only the notice drains, which comes two minutes ahead and is meant. A rebalance recommendation says that a notice is
likelier than usual: draining then would leave a machine idle, and paid for, that may stay for hours, and all that a
machine lost without any notice costs is the epochs in work.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sweeper.cluster.node.draining import UnknownRayError, drain
from sweeper.cluster.node.metadata import Metadata, MetadataError, Notice
from sweeper.errors import SweeperError

PAUSE = 2.0
"""Seconds between two questions. AWS advises five at most."""

log = logging.getLogger(__name__)


class Complaints:
    """Logs what is wrong when it begins to be, and when it is well again: what lasts for hours is two lines."""

    def __init__(self) -> None:
        self._last = ""

    def tell(self, trouble: str) -> None:
        """Take in what is wrong now; the empty text where nothing is."""
        if trouble != self._last:
            log.warning("%s", trouble or "well again")
        self._last = trouble


def wait_for_notice(metadata: Metadata, pause: Callable[[float], None] = time.sleep) -> Notice:
    """Return the notice that this machine is given, however long that takes and whatever goes wrong meanwhile."""
    complaints = Complaints()
    while True:
        try:
            notice, trouble = metadata.notice(), ""
        except MetadataError as error:
            notice, trouble = None, f"the metadata service of this machine is of no use: {error}"
        complaints.tell(trouble)
        if notice is not None:
            return notice
        pause(PAUSE)


def pass_on(notice: Notice, head: str, node: str | None, pause: Callable[[float], None] = time.sleep) -> bool:
    """Have the node drained, trying until its time has come; return whether that was done."""
    complaints = Complaints()
    while True:
        try:
            drain(head, node, f"notice from AWS: {notice.action}", notice.time)
        except UnknownRayError as error:
            log.error("%s: its trials go on elsewhere once it is gone", error)
            return False
        except SweeperError as error:
            complaints.tell(f"not drained: {error}")
        else:
            return True
        if datetime.now(UTC) > notice.time:
            return False
        pause(PAUSE)


def main(words: Sequence[str] | None = None) -> int:
    """Watch until there is a notice and the node is drained; return 1 where it could not be."""
    parser = argparse.ArgumentParser(
        prog="python -m sweeper.cluster.node.watch", description="Watch over a spot machine."
    )
    parser.add_argument("--address", required=True, type=_address, help="HOST:PORT of the head of the Ray cluster")
    parser.add_argument("--node", help="name or address of this node in Ray; default: this machine's address")
    options = parser.parse_args(words)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    log.info("watching, for the head at %s", options.address)
    notice = wait_for_notice(Metadata())
    log.info("notice: %s at %s", notice.action, notice.time.isoformat())
    drained = pass_on(notice, options.address, options.node)
    if drained:
        log.info("drained: trials here go on elsewhere")
    return 0 if drained else 1


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not (host and port.isdecimal()):
        raise argparse.ArgumentTypeError(f"found {text!r}; must be HOST:PORT")
    return text


if __name__ == "__main__":
    sys.exit(main())
