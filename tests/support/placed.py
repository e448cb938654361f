"""Trials that note what they were given; a module of its own, because workers have to import it."""

import json
import os
from typing import Any

from support.sweeps import quality
from sweeper.training.job import Job, Run
from sweeper.training.simulated import Simulation

NOTE = "given.json"


class NotingPlace:
    """Trains on the CPU; what is given a GPU is simulated, for there may be none."""

    def __call__(self, job: Job) -> Run:
        run = _trained(job) if job.device == "cpu" else Simulation(quality)(job)
        (job.folder / NOTE).write_text(json.dumps(_given(job)))
        return run


def _trained(job: Job) -> Run:
    from sweeper.training.trial import Trial

    return Trial(job)


def _given(job: Job) -> dict[str, Any]:
    import torch
    from threadpoolctl import threadpool_info

    return {
        "arm": job.config["model"]["backbone"]["name"],
        "device": job.device,
        "gpu_share": job.gpu_share,
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "threads": torch.get_num_threads() if job.device == "cpu" else None,
        "pools": {pool["prefix"]: pool["num_threads"] for pool in threadpool_info()},
        "data_dir": None if job.data_dir is None else str(job.data_dir),
    }
