"""A connection to Ray: our own local instance, started and shut down here, or a cluster that was there before."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ray
from ray._private import worker as ray_worker

from sweeper.execution.capacity import Capacity
from sweeper.execution.draining import draining_nodes
from sweeper.execution.placement import Placement

OBJECT_STORE_BYTES = 128 * 2**20
"""Jobs and results are small and data sets do not pass through Ray, so the store may be small as well."""


def present() -> Capacity:
    """Return what the cluster has at the moment, without the nodes that are about to be taken away."""
    leaving = draining_nodes()
    nodes = [node for node in ray.nodes() if node["Alive"] and node["NodeID"] not in leaving]
    return Capacity.of([node["Resources"] for node in nodes])


@contextmanager
def ray_session(placement: Placement, address: str | None, log: Path) -> Iterator[Capacity]:
    """Connect to the cluster at ``address``, or start a local one; what Ray has to say goes to ``log``."""
    with _ray_logs_to(log):
        _connect(placement, address)
        try:
            yield present()
        finally:
            ray.shutdown()


def _connect(placement: Placement, address: str | None) -> None:
    if address is not None:
        ray.init(address=address, log_to_driver=False, logging_level=logging.INFO)
        return
    # Workers find what we find, a user's own models included.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    cores = os.cpu_count() or 1
    most = max(resources.cpu for resources in placement.arms.values())
    wanted = 0.0 if placement.workers == "auto" else placement.workers * most
    ray.init(
        address="local",  # Left out, it would be any cluster that somebody has started on this machine.
        num_cpus=max(cores, int(-(-wanted // 1))),
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        log_to_driver=False,
        logging_level=logging.INFO,
    )


class _LogFile(logging.FileHandler):
    """A log that may stay behind: where the disk is full it is for the sweep's own files to say so."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 -- logging's own name
        """Do nothing, where logging would print a traceback."""

    def close(self) -> None:
        """Close the file, whether or not there is room for the last of it."""
        with suppress(OSError):
            super().close()


@contextmanager
def _ray_logs_to(log: Path) -> Iterator[None]:
    """Send Ray's records, and what it would print, to a file instead of the terminal; put all back afterwards."""
    logger, printing = logging.getLogger("ray"), ray_worker.print_worker_logs
    before, propagate = logger.handlers[:], logger.propagate
    handler = _LogFile(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.handlers, logger.propagate = [handler], False
    ray_worker.print_worker_logs = _log_instead
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before, propagate
        ray_worker.print_worker_logs = printing
        handler.close()


def _log_instead(data: Mapping[str, Any], *_: object, **__: object) -> None:
    """Log what Ray's printer prints for whatever befalls a worker, in several screens for a lost node."""
    logging.getLogger("ray").warning("%s", "\n".join(data["lines"]))
