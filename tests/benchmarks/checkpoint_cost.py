"""What a checkpoint costs, and its checksum in that, in seconds of the processor: waiting for the disk is not counted.

Of 100 MB of weights alone, and of what a trial on digits writes after every epoch, with the epoch beside it.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from scoreboard import Measured, Promise, announce, paired_ratio

from sweeper.training.checkpoints import Checkpoint, load_last, save_last
from sweeper.training.job import Evaluation, Job, Precision
from sweeper.training.progress import Progress
from sweeper.training.tensor_files import TensorFile, apart
from sweeper.training.trial import Trial

MATRICES = 25
"""Of 1000 x 1000 numbers of four bytes."""
LARGEST_SHARE = 0.3
"""Of what saving takes in all, copies and system calls included."""
CONFIG: dict[str, Any] = {
    "data": {"name": "digits"},
    "model": {"name": "vae", "latent_dim": 8, "backbone": {"name": "fc", "hidden": 256}},
    "objective": {"name": "elbo"},
    "training": {"epochs": 1000, "batch_size": 64, "optimizer": {"name": "adam"}},
}


def large() -> Checkpoint:
    weights = {str(index): torch.full((1000, 1000), float(index)) for index in range(MATRICES)}
    return Checkpoint("a trial", weights, {}, Progress(), "")


def small(trial: Trial) -> Checkpoint:
    return Checkpoint("a trial", trial._model.state_dict(), trial._trainer.state(), Progress(), "")


def add_checksums(checkpoint: Checkpoint) -> None:
    for tensors in (checkpoint.weights, checkpoint.state):
        assert TensorFile(apart(tensors)).checksum


def measure(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, Measured]:
    """Return the processor's seconds of each contender in alternating rounds, after one that does not count."""
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for counts in range(rounds + 1):
        for name, act in contenders.items():
            started = time.process_time()
            act()
            if counts:
                samples[name].append(time.process_time() - started)
    return {name: Measured(name, tuple(seconds)) for name, seconds in samples.items()}


def report(name: str, folder: Path, checkpoint: Checkpoint, rounds: int, **more: Callable[[], object]) -> int:
    folder.mkdir()
    contenders: dict[str, Callable[[], object]] = {
        "save": lambda: save_last(folder, checkpoint),
        "its checksum": lambda: add_checksums(checkpoint),
        "load": lambda: load_last(folder, "a trial"),
        **more,
    }
    found = measure(contenders, rounds)
    share = paired_ratio(found["its checksum"], found["save"])
    promise = Promise("share of the checksum in saving", share, "at most", LARGEST_SHARE)
    return announce(f"checkpoint cost, {name}", "processor s", list(found.values()), found["save"], [promise])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as home:
        trial = Trial(Job(0, CONFIG, 0, Path(home, "trial"), Evaluation("val/nll", "minimize", Precision(1, 10))))
        trial.advance()
        epoch = {"training of the epoch": trial._trainer.train_epoch}
        code = report("digits", Path(home, "small"), small(trial), arguments.rounds, **epoch)
        return max(code, report("100 MB", Path(home, "large"), large(), arguments.rounds))


if __name__ == "__main__":
    sys.exit(main())
