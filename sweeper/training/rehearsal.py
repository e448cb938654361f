"""A trial that trains for a moment to be measured, as a process of its own: ``python -m sweeper.training.rehearsal``.

It reads from its standard input, as a line of JSON, what to train and on what; answers when it is ready; and begins
with the next line, so that several begin together. It writes nothing anywhere.
"""

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import torch

from models import ImageShape
from sweeper.training.components import parse_config
from sweeper.training.data import resident
from sweeper.training.devices import occupy
from sweeper.training.evaluation import Evaluator
from sweeper.training.failing import failure_of
from sweeper.training.job import Evaluation, Precision
from sweeper.training.loop import Trainer
from sweeper.training.memory import MIB, memory, physical_memory

STEPS = 10
"""The clock is looked at after so many: each time the process waits for the device."""
IMAGES = 1000
"""Validation images that are measured once, since that may take more memory than training."""


class Rehearsal:
    """A trial as it is built for a sweep, without a folder."""

    def __init__(self, told: dict[str, Any]) -> None:
        """Build the trial that was ``told``."""
        trial, self._device, self._seconds = parse_config(told["config"]), torch.device(told["device"]), told["seconds"]
        occupy(self._device, told["threads"], told["gpu_share"])
        images = resident(trial.data, None if told["data_dir"] is None else Path(told["data_dir"]), self._device)
        self._model = trial.model.build(ImageShape(*images.shape), self._generator("cpu"), self._device, images.classes)
        precision = Precision(told["k"], IMAGES)
        self._evaluator = Evaluator(images, self._model, Evaluation(told["metric"], "minimize", precision))
        order, noise = self._generator(self._device), self._generator(self._device)
        self._trainer = Trainer(trial, self._model, self._evaluator.training_images(), order, noise)

    def warm_up(self) -> None:
        """Do once what a trial does, so that all memory is taken and nothing is left to be compiled or loaded."""
        self._trainer.train_epoch(STEPS)
        self._evaluator.validate()

    def rate(self) -> float:
        """Train for as long as was told; return the steps per second."""
        before, started = self._trainer.steps, time.perf_counter()
        while (elapsed := time.perf_counter() - started) < self._seconds:
            self._trainer.train_epoch(STEPS)
        return (self._trainer.steps - before) / elapsed

    def memory(self) -> tuple[int, int]:
        """Return the bytes of the device that this process has taken at most, and those that there are.

        On CUDA that is what PyTorch has reserved. The main memory of a machine stands in for it on the CPU.
        """
        if self._device.type == "cuda":
            total = torch.cuda.get_device_properties(self._device).total_memory
            return torch.cuda.max_memory_reserved(self._device), total
        return int(memory(self._device).get("memory/resident", 0.0) * MIB), physical_memory()

    @staticmethod
    def _generator(device: torch.device | str) -> torch.Generator:
        return torch.Generator(device).manual_seed(0)


def rehearse(read: TextIO, write: TextIO) -> None:
    """Answer what is read, line by line; an exception is an answer, too."""
    try:
        rehearsal = Rehearsal(json.loads(read.readline()))
        rehearsal.warm_up()
        _answer(write, ready=True)
        if read.readline():
            rate, (taken, total) = rehearsal.rate(), rehearsal.memory()
            _answer(write, rate=rate, memory=taken, total=total)
    except Exception as error:
        failure = failure_of(error, Path())
        _answer(write, error=failure.reason, out_of_memory=failure.kind == "out_of_memory")


def _answer(write: TextIO, **answer: Any) -> None:
    print(json.dumps(answer), file=write, flush=True)


if __name__ == "__main__":
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    with contextlib.redirect_stdout(sys.stderr):
        rehearse(sys.stdin, answers)
