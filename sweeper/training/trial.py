"""One trial: built from its configuration, trained epoch by epoch, measured after each, resumable after any."""

import time
from typing import Any

import torch
from torch import Tensor

from models import ImageShape
from sweeper.seeds import derive_seed
from sweeper.training.checkpoints import (
    Checkpoint,
    keep_as_best,
    load_best,
    load_last,
    pack_optimizer,
    save_last,
    unpack_optimizer,
)
from sweeper.training.components import parse_config
from sweeper.training.curves import Curve
from sweeper.training.data import resident
from sweeper.training.evaluation import Evaluator
from sweeper.training.folder import begin_folder
from sweeper.training.job import EpochResult, Job
from sweeper.training.loop import Trainer
from sweeper.training.pictures import save_grid

PICTURES = 64
COLUMNS = 8


class Trial:
    """The run of a job (see `job.Run`) that really trains."""

    def __init__(self, job: Job) -> None:
        """Build the trial, or take it up at the last checkpoint in its folder."""
        self._job = job
        config = parse_config(job.config)
        device = torch.device(job.device)
        images = resident(config.data, job.data_dir, device)
        self._epochs = config.training.epochs
        self._train_size = len(images.train)
        self._model = config.model.build(ImageShape(*images.shape), self._generator("parameters", "cpu"), device)
        self._order = self._generator("order", job.device)
        self._noise = self._generator("noise", job.device)
        self._evaluator = Evaluator(images, self._model, job.evaluation)
        training_images = self._evaluator.training_images()
        self._trainer = Trainer(config, self._model, training_images, self._order, self._noise)
        self._epoch, self._best_epoch, self._seconds = 0, 0, 0.0
        self._best = float("nan")
        begin_folder(job)
        self._take_up(load_last(job.folder, job.device))
        self._curve = Curve(job.folder, self._epoch)

    def advance(self) -> EpochResult:
        """Train and measure one more epoch, and write down everything before answering."""
        if self._epoch == self._epochs:  # The driver was killed before it took in the last epoch.
            return self._result(self._last_metrics)
        started = time.perf_counter()
        losses = self._trainer.train_epoch()
        training_seconds = time.perf_counter() - started
        self._epoch += 1
        metrics = {f"train/{name}": value for name, value in losses.items()}
        metrics |= self._evaluator.validate()
        self._seconds += time.perf_counter() - started
        metrics["images_per_second"] = self._train_size / training_seconds
        metrics["evaluation_share"] = 1 - training_seconds / (time.perf_counter() - started)
        self._keep(metrics)
        return self._result(metrics)

    def close(self) -> None:
        """Show what the best weights draw; give the device's memory back for the trial that follows."""
        if self._best_epoch:
            self._draw()
        if self._job.device != "cpu":
            torch.cuda.empty_cache()

    def _keep(self, metrics: dict[str, float]) -> None:
        """Write the epoch to the curve and to the checkpoints."""
        value = metrics[self._job.evaluation.metric]
        improved = not self._best_epoch or self._job.evaluation.improves(value, self._best)
        if improved:
            self._best, self._best_epoch = value, self._epoch
        self._last_metrics = metrics
        self._curve.append(self._epoch, self._images, self._seconds, metrics)
        save_last(self._job.folder, self._checkpoint())
        if improved:
            keep_as_best(self._job.folder)

    def _result(self, metrics: dict[str, float]) -> EpochResult:
        done = self._epoch == self._epochs
        return EpochResult(self._epoch, self._images, self._seconds, metrics, done, self._test() if done else {})

    def _test(self) -> dict[str, float]:
        """Measure the weights of the best epoch on the test set, where the job asks for it, and write that down."""
        precision = self._job.evaluation.test
        if precision is None:
            return {}
        self._model.load_state_dict(load_best(self._job.folder, self._job.device))
        metrics = self._evaluator.test(precision)
        self._curve.append(self._epoch, self._images, self._seconds, metrics)
        return metrics

    def _draw(self) -> None:
        """Save samples, and validation images above their reconstructions, of the best epoch."""
        self._model.load_state_dict(load_best(self._job.folder, self._job.device))
        self._model.eval()
        generator = self._generator("pictures", self._job.device)
        latent = self._model.prior(PICTURES, generator)
        originals = self._evaluator.examples[: PICTURES // 2]
        rebuilt = self._model.reconstruct(originals, generator)
        save_grid(self._job.folder / "samples.png", self._model.mean(latent), COLUMNS)
        save_grid(self._job.folder / "reconstructions.png", _row_by_row(originals, rebuilt), COLUMNS)

    @property
    def _images(self) -> int:
        """Images seen so far, counted in whole epochs so that no batch size makes two trials incomparable."""
        return self._epoch * self._train_size

    def _generator(self, purpose: str, device: str) -> torch.Generator:
        return torch.Generator(device).manual_seed(derive_seed(self._job.seed, purpose))

    def _checkpoint(self) -> Checkpoint:
        tensors: dict[str, Tensor] = {
            "noise": self._noise.get_state(),
            **{f"batches.{name}": value for name, value in self._trainer.batches.state().items()},
        }
        numbers: dict[str, Any] = {
            "epoch": self._epoch,
            "best_epoch": self._best_epoch,
            "best": self._best,
            "seconds": self._seconds,
            "metrics": self._last_metrics,
        }
        for player, optimizer in self._trainer.optimizers.items():
            tensors |= pack_optimizer(optimizer, f"optimizer.{player}")
        return Checkpoint(self._model.state_dict(), tensors, numbers)

    def _take_up(self, checkpoint: Checkpoint | None) -> None:
        """Go on from ``checkpoint`` as if nothing had happened since it was written."""
        if checkpoint is None:
            return
        self._model.load_state_dict(checkpoint.weights)
        tensors, numbers = checkpoint.tensors, checkpoint.numbers
        self._noise.set_state(tensors["noise"])
        self._trainer.batches.restore(_below("batches", tensors))
        for player, optimizer in self._trainer.optimizers.items():
            unpack_optimizer(optimizer, f"optimizer.{player}", tensors)
        self._epoch, self._best_epoch = numbers["epoch"], numbers["best_epoch"]
        self._best, self._seconds = numbers["best"], numbers["seconds"]
        self._last_metrics = numbers["metrics"]


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix + "."): value for name, value in tensors.items() if name.startswith(prefix + ".")}


def _row_by_row(originals: Tensor, rebuilt: Tensor) -> Tensor:
    """Lay [N, C, H, W] out so that each row of originals stands above the row of its reconstructions."""
    pairs = zip(torch.split(originals, COLUMNS), torch.split(rebuilt, COLUMNS), strict=True)
    return torch.cat([row for pair in pairs for row in pair])
