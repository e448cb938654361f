"""A connection to Ray: our own local instance, started and shut down here, or a cluster that was there before."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ray

from sweeper.spec import Resources, SweepSettings

OBJECT_STORE_BYTES = 128 * 2**20
"""Jobs and results are small and data sets do not pass through Ray, so the store may be small as well."""

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Without it Ray warns about its own future default.
    "RAY_AIR_NEW_OUTPUT": "0",  # The old reporter is the one that keeps quiet when told to.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # Relative paths keep their meaning in workers.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # The curves are ours; Tune's CSV, JSON and TensorBoard copies are not.
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # The study is the truth; nobody reads Tune's snapshots.
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
}


@dataclass(frozen=True)
class Capacity:
    """What a Ray cluster has, in Ray's units."""

    cpus: float
    gpus: float

    def request(self, resources: Resources) -> dict[str, float]:
        """Return what one trial asks Ray for; a GPU share only where there is a GPU."""
        return {"cpu": resources.cpu, "gpu": resources.gpu if self.gpus else 0.0}

    def workers(self, settings: SweepSettings) -> int:
        """Return how many trials run at once: as many as fit, or as the sweep file says."""
        if settings.workers != "auto":
            return settings.workers
        request = self.request(settings.resources)
        fit = [
            available / share
            for available, share in ((self.cpus, request["cpu"]), (self.gpus, request["gpu"]))
            if share
        ]
        return max(1, int(min(fit)))


@contextmanager
def ray_session(settings: SweepSettings, address: str | None, log: Path) -> Iterator[Capacity]:
    """Connect to the cluster at ``address``, or start a local one; what Ray has to say goes to ``log``."""
    os.environ.update({name: os.environ.get(name, value) for name, value in _ENVIRONMENT.items()})
    with _ray_logs_to(log):
        _connect(settings, address)
        try:
            available = ray.cluster_resources()
            yield Capacity(available.get("CPU", 0.0), available.get("GPU", 0.0))
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
        num_cpus=max(cores, int(-(-wanted // 1))),
        include_dashboard=False,
        object_store_memory=OBJECT_STORE_BYTES,
        log_to_driver=False,
        logging_level=logging.INFO,
    )


@contextmanager
def _ray_logs_to(log: Path) -> Iterator[None]:
    """Send the records of Ray's logger to a file instead of the terminal, and put the logger back afterwards."""
    logger = logging.getLogger("ray")
    before, propagate = logger.handlers[:], logger.propagate
    handler = logging.FileHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.handlers, logger.propagate = [handler], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before, propagate
        handler.close()
