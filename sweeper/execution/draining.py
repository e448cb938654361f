"""Nodes that are about to be taken away: Ray was told so, drains them, and places nothing on them any more.

Ray has no public way to ask which nodes those are. Its own libraries ask as it is done here.
"""

import time

import ray

ASK_SECONDS = 2.0
"""A worker asks no oftener: the head of the cluster answers all of them."""


class NodeDrainsError(Exception):
    """A worker takes up no epoch, since its node is about to be taken away."""


def draining_nodes() -> frozenset[str]:
    """Return the ids of all nodes that are about to be taken away."""
    return frozenset(ray._private.state.state.get_draining_nodes())


class Departure:
    """Whether the node of this process is about to be taken away; once it is, it stays so."""

    def __init__(self) -> None:
        self._asked = -ASK_SECONDS
        self._known = False

    def is_due(self) -> bool:
        """Say whether it is, as of the last few seconds; never where there is no Ray around this process."""
        now = time.monotonic()
        if not self._known and ray.is_initialized() and now - self._asked >= ASK_SECONDS:
            self._asked = now
            self._known = ray.get_runtime_context().get_node_id() in draining_nodes()
        return self._known
