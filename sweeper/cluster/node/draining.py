"""Draining a node of a Ray cluster: Ray places nothing on it any more, and tells who asks that it is to be taken away.

Ray's autoscaler and its hidden command ``ray drain-node`` call what is called here; there is no public way.
"""

import socket
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sweeper.errors import SweeperError, one_line


class UnknownRayError(SweeperError):
    """The version of Ray that is installed cannot be told in the way that is known here."""


def drain(head: str, node: str | None, reason: str, deadline: datetime) -> None:
    """Tell the head that a node, by name or address, or that of this machine, is to be taken away at ``deadline``.

    Raises UnknownRayError where this version of Ray cannot be told so, SweeperError where the head does not hear it or
    refuses.
    """
    import ray  # Seconds and memory, which the trials on this machine have until there is something to tell.

    try:
        name = node or _own_address(head)
        answers = list(_drained(head, name, reason, int(deadline.timestamp() * 1000)))
    except OSError as error:
        raise SweeperError(f"no way to the head at {head} ({one_line(error)})") from error
    except (ImportError, AttributeError, TypeError) as error:
        raise UnknownRayError(f"ray {ray.__version__} cannot be told to drain a node ({one_line(error)})") from error
    except ray.exceptions.RayError as error:
        raise SweeperError(f"the head at {head} does not answer ({one_line(error)})") from error
    if not answers:
        raise SweeperError(f"the head at {head} knows no node {name} that is alive")
    for accepted, refusal in answers:
        if not accepted:
            raise SweeperError(f"the head at {head} refuses to drain {name} ({refusal})")


def _own_address(head: str) -> str:
    """Return the address of this machine as the head sees it, by which Ray names a node. Nothing is sent."""
    host, _, port = head.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, int(port)))
        return str(probe.getsockname()[0])


def _drained(head: str, name: str, reason: str, deadline: int) -> Iterator[tuple[bool, str]]:
    """Drain all nodes of that name, of which there are two where Ray was started anew; yield what the head says."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined]  # It is compiled.
    from ray.core.generated.autoscaler_pb2 import DRAIN_NODE_REASON_PREEMPTION
    from ray.core.generated.gcs_pb2 import GcsNodeInfo

    client: Any = GcsClient(address=head)
    for node_id, node in client.get_all_node_info().items():
        if node.state == GcsNodeInfo.ALIVE and name in (node.node_name, node.node_manager_address):
            yield client.drain_node(node_id.hex(), DRAIN_NODE_REASON_PREEMPTION, reason, deadline)
