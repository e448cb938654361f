"""The beginning of a trial's folder: what is trained, written before training starts."""

import yaml

from sweeper.files import write_atomically
from sweeper.training.job import Job

CONFIG = "config.yaml"


def begin_folder(job: Job) -> None:
    """Make the folder of ``job`` and write its configuration where it is not there, as it follows from the job.

    What it lies in is not made: a sweep that is deleted while it runs must not come back in part.
    """
    job.folder.mkdir(exist_ok=True)
    config = job.folder / CONFIG
    content = yaml.safe_dump({**job.config, "seed": job.seed}, sort_keys=False).encode()
    if not config.exists() or config.read_bytes() != content:
        write_atomically(config, content)
