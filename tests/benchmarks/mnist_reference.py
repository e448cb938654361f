"""One row of the table of reference values in models/README.md: a configuration trained on MNIST, measured on test.

``python tests/benchmarks/mnist_reference.py tests/benchmarks/mnist/iwae_5.yaml --data-dir DATA`` trains the
configuration from seed 0 to the end of its epochs, in a folder of its own (where a run that was interrupted goes on),
chooses the best epoch on the validation images, measures that once on the test images, and prints what was reached.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import torch

from sweeper.analysis import read_config
from sweeper.training.job import EpochResult, Evaluation, Job, Precision
from sweeper.training.trial import Trial

BESIDE = ("val/error", "val/modes", "val/fld_floor")
"""What is printed too, of the last epoch."""


def main() -> None:
    options = _options()
    config, _ = read_config(options.config)
    if options.epochs:
        config["training"]["epochs"] = options.epochs
    evaluation = Evaluation(
        options.metric,
        "minimize",
        Precision(options.k, options.images),
        Precision(options.final_k, options.final_images),
    )
    folder = options.folder or Path("mnist-reference", options.config.stem)
    job = Job(0, config, 0, folder, evaluation, options.data_dir, threads=options.threads)
    print(_row(options.config.stem, _train(job), config, options), flush=True)


def _train(job: Job) -> EpochResult:
    trial, started = Trial(job), time.perf_counter()
    while not (result := trial.advance()).done:
        value = result.metrics[job.evaluation.metric]
        elapsed = time.perf_counter() - started
        print(f"epoch {result.epoch}: {value:.4f}, {elapsed:.0f} s", file=sys.stderr, flush=True)
    trial.close()
    return result


def _row(name: str, result: EpochResult, config: dict[str, Any], options: argparse.Namespace) -> str:
    """Return one row: what was reached on the test set, on which part of it, and with which budget."""
    beside = {key: value for key, value in result.metrics.items() if key in BESIDE}
    reached = ", ".join(f"{key} {value:.4g}" for key, value in (result.test | beside).items())
    images = f"{options.final_images or 'all'} test images"
    measured = f"k = {options.final_k}, {images}" if options.metric == "val/nll" else images
    batch_size = config["training"]["batch_size"]
    budget = (
        f"{result.epoch} epochs of batches of {batch_size}, {result.seconds / 60:.0f} min on {options.threads} core"
    )
    return f"| {name} | {reached} | {measured} | {budget}, torch {torch.__version__} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--folder", type=Path, help="the folder to train in")
    parser.add_argument("--metric", default="val/nll", help="what the best epoch is chosen by")
    parser.add_argument("--epochs", type=int, help="instead of those in the file")
    parser.add_argument("--k", type=int, default=20, help="importance samples after each epoch")
    parser.add_argument("--images", type=int, default=500, help="validation images after each epoch")
    parser.add_argument("--final-k", type=int, default=5000, help="importance samples of the test")
    parser.add_argument("--final-images", type=int, help="the first so many test images; default: all")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
