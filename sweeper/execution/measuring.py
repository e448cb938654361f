"""Measuring on a machine of the cluster: what a share of its GPU should be, before the first trial begins."""

from pathlib import Path

import ray

from sweeper.errors import SweeperError, one_line
from sweeper.execution.capacity import ACCELERATOR, Capacity
from sweeper.execution.shares import Measure, Question
from sweeper.spec import SweepSettings
from sweeper.training.job import unplanned_evaluation
from sweeper.training.probe import Share, probe
from sweeper.training.side_by_side import SideBySide


def measure_on_ray(settings: SweepSettings, capacity: Capacity, data_dir: Path | None) -> Measure:
    """Return what answers a question on a machine that has the accelerator, with a whole one to itself."""
    evaluation = unplanned_evaluation(settings)

    def measure(question: Question) -> Share | str:
        threads, k = question.resources.threads, evaluation.validation.k
        device = SideBySide(question.config, evaluation.metric, k, "cuda", threads, data_dir)
        request = capacity.request(question.resources, question.most)
        task = ray.remote(_probe).options(
            num_cpus=request["CPU"],
            num_gpus=request["GPU"],
            resources={kind: amount for kind, amount in request.items() if kind.startswith(ACCELERATOR)},
        )
        try:
            answer: Share | str = ray.get(task.remote(device, question.most))
        except ray.exceptions.RayError as error:
            return one_line(error)
        return answer

    return measure


def _probe(device: SideBySide, most: int) -> Share | str:
    try:
        return probe(device, most)
    except SweeperError as error:
        return str(error)
