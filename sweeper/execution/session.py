"""A connection to Ray: our own local instance, started and shut down here, or a cluster that was there before."""

import logging
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import ray
from ray._private import worker as ray_worker

from sweeper.spec import Resources, SweepSettings

OBJECT_STORE_BYTES = 128 * 2**20
"""Jobs and results are small and data sets do not pass through Ray, so the store may be small as well."""


@dataclass(frozen=True)
class Capacity:
    """What a Ray cluster has, in Ray's units."""

    cpus: float
    gpus: float
    largest_cpus: float
    """Those of the machine that has most; where there are GPUs, of one that has any."""
    largest_gpus: float

    @classmethod
    def of(cls, machines: Sequence[Mapping[str, float]]) -> Self:
        """Return the capacity of machines, each given by what it has."""
        cpus, gpus = ([machine.get(kind, 0.0) for machine in machines] for kind in ("CPU", "GPU"))
        most_gpus, most_cpus = max(zip(gpus, cpus, strict=True), default=(0.0, 0.0))
        return cls(sum(cpus), sum(gpus), most_cpus, most_gpus)

    def request(self, resources: Resources, scale: int = 1) -> dict[str, float]:
        """Return what a trial asks Ray for that has so many times the share of ``resources``.

        That is a share of a GPU only where there is one, and never more than a machine has: Ray would wait for ever.
        """
        gpu = resources.gpu if resources.gpu >= 1 else min(1.0, resources.gpu * scale)
        return {"CPU": min(self.largest_cpus, resources.cpu * scale), "GPU": min(self.largest_gpus, gpu)}

    def largest(self, settings: SweepSettings) -> int:
        """Return how many times its share a trial may have: the whole memory of a GPU, or that of a machine.

        Memory of a machine is nobody's in particular: a trial has more of it as there are fewer beside it.
        """
        resources = settings.resources
        if self.request(resources)["GPU"]:
            return max(1, math.ceil(1 / resources.gpu))
        return max(1, min(self.workers(settings), math.ceil(self.largest_cpus / resources.cpu)))

    def workers(self, settings: SweepSettings) -> int:
        """Return how many trials run at once: as many as fit, or as the sweep file says."""
        if settings.workers != "auto":
            return settings.workers
        request = self.request(settings.resources)
        fit = [
            available / share
            for available, share in ((self.cpus, request["CPU"]), (self.gpus, request["GPU"]))
            if share
        ]
        return max(1, int(min(fit)))


@contextmanager
def ray_session(settings: SweepSettings, address: str | None, log: Path) -> Iterator[Capacity]:
    """Connect to the cluster at ``address``, or start a local one; what Ray has to say goes to ``log``."""
    with _ray_logs_to(log):
        _connect(settings, address)
        try:
            yield Capacity.of([machine["Resources"] for machine in ray.nodes() if machine["Alive"]])
        finally:
            ray.shutdown()


def _connect(settings: SweepSettings, address: str | None) -> None:
    if address is not None:
        ray.init(address=address, log_to_driver=False, logging_level=logging.INFO)
        return
    # Workers find what we find, a user's own models included.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    cores = os.cpu_count() or 1
    wanted = 0.0 if settings.workers == "auto" else settings.workers * settings.resources.cpu
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
