"""The beginning of a trial's folder: what is trained, written before training starts."""

import yaml

from sweeper.training.files import write_atomically
from sweeper.training.job import Job

CONFIG = "config.yaml"


def begin_folder(job: Job) -> None:
    """Make the folder of ``job`` and write its configuration; harmless where both are there."""
    job.folder.mkdir(parents=True, exist_ok=True)
    config = job.folder / CONFIG
    if not config.exists():
        content = {**job.config, "seed": job.seed}
        write_atomically(config, yaml.safe_dump(content, sort_keys=False).encode())
