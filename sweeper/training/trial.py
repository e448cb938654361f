"""One trial: built from its configuration, trained epoch by epoch, measured after each, resumable after any."""

import time

import torch

from models import ImageShape
from sweeper.errors import SweeperError
from sweeper.seeds import derive_seed
from sweeper.training.checkpoints import LAST, Checkpoint, load_weights
from sweeper.training.components import parse_config
from sweeper.training.data import resident
from sweeper.training.devices import occupy
from sweeper.training.evaluation import Evaluator
from sweeper.training.folder import begin_folder
from sweeper.training.gallery import Gallery, is_shown
from sweeper.training.hang import slower
from sweeper.training.job import EpochResult, Job
from sweeper.training.keys import keys_of
from sweeper.training.loop import Trainer
from sweeper.training.memory import forget_peak, memory
from sweeper.training.progress import Progress
from sweeper.training.records import Records
from sweeper.training.signs import early_signs


class Trial:
    """The run of a job (see `job.Run`) that really trains."""

    def __init__(self, job: Job) -> None:
        """Build the trial, or take it up at the last checkpoint in its folder."""
        self._job = job
        begin_folder(job)
        self._config, self._device = parse_config(job.config), torch.device(job.device)
        occupy(self._device, job.threads, job.gpu_share)
        self._images = resident(self._config.data, job.data_dir, self._device)
        self._build()
        self._records = Records(job)
        self._notes: tuple[str, ...] = ()
        try:
            self._take_up(self._records.resume())
        except SweeperError as damage:
            self._build()  # A part of what is damaged may have been taken up.
            self._notes = (self._records.begin_again(damage),)
        self._unsaid = self._progress.epoch > 0 and self._is_due

    def advance(self) -> EpochResult:
        """Train up to the next measured epoch, or say again what the last one came to; see `job.Run.advance`."""
        if not self._unsaid:
            self._train_epoch()
            while not self._is_due:
                self._train_epoch()
        progress, notes = self._progress, self._notes
        self._unsaid, self._notes = False, ()
        done = progress.epoch >= self._epochs
        test = self._test() if done else {}
        signs = early_signs(self._records.curve.epochs, self._job.evaluation, self._images.classes)
        return EpochResult(
            progress.epoch, self._seen, progress.seconds, progress.metrics, done, test, self._keys, signs, notes
        )

    def close(self) -> None:
        """Show what the best weights draw; where no epoch was any good, what the last ones do."""
        if self._progress.best_epoch:
            self._load_best()
        self._gallery.draw_last()

    def _build(self) -> None:
        """Build everything that training changes, as it is before the first epoch."""
        job, config, images = self._job, self._config, self._images
        parameters = self._generator("parameters", "cpu")
        self._model = config.model.build(ImageShape(*images.shape), parameters, self._device, images.classes)
        self._evaluator = Evaluator(images, self._model, job.evaluation)
        self._keys = keys_of(config.data, images, self._model, job.evaluation)
        order, noise = self._generator("order", job.device), self._generator("noise", job.device)
        self._gallery = Gallery(
            job.folder, self._model, self._evaluator.examples, lambda: self._generator("pictures", job.device)
        )
        self._trainer = Trainer(config, self._model, self._evaluator.training_images(), order, noise)
        self._progress = Progress()

    def _train_epoch(self) -> None:
        """Train, measure where that is due, and write the epoch to the curve and to the checkpoints."""
        forget_peak(self._device)
        started = time.perf_counter()
        watched = self._trainer.train_epoch()
        trained = time.perf_counter()
        metrics = {f"train/{name}": value for name, value in watched.items()} | self._measure(trained - started)
        evaluated = time.perf_counter()
        metrics |= {"images_per_second": len(self._images.train) / (trained - started), **memory(self._device)}
        self._progress = self._progress.after(trained - started, evaluated - trained, metrics, self._job.evaluation)
        self._records.write(self._progress, self._seen, self._model.state_dict(), self._trainer.state())

    def _measure(self, training: float) -> dict[str, float]:
        """Measure the epoch that was just trained in so many seconds, where that is due.

        What the model draws is shown where the share of evaluation leaves time for it.
        """
        epoch, evaluation = self._progress.epoch + 1, self._job.evaluation
        if not evaluation.is_due(epoch, self._epochs):
            return {}
        started = time.perf_counter()
        measured = self._evaluator.validate()
        measuring = time.perf_counter() - started
        drawing = self._gallery.expected(measuring)
        if is_shown(epoch, self._epochs, evaluation) and self._progress.affords(
            training, measuring + drawing, evaluation
        ):
            self._gallery.draw_epoch(epoch)
        return measured

    def _test(self) -> dict[str, float]:
        """Measure the weights of the best epoch on the test set, once, where the job asks for it."""
        precision = self._job.evaluation.test
        if precision is None or not self._progress.best_epoch:
            return {}
        if written := self._records.curve.test_metrics():
            return written
        started = time.perf_counter()
        self._load_best()
        with slower(self._evaluator.test_work(precision)):
            metrics = self._evaluator.test(precision)
        seconds = self._progress.seconds + time.perf_counter() - started
        self._records.curve.append(self._progress.epoch, self._seen, seconds, metrics)
        return metrics

    @property
    def _is_due(self) -> bool:
        """Whether the last epoch is one that is measured."""
        return self._job.evaluation.is_due(self._progress.epoch, self._epochs)

    @property
    def _epochs(self) -> int:
        return self._config.training.epochs

    @property
    def _seen(self) -> int:
        """Images seen so far, counted in whole epochs so that no batch size makes two trials incomparable."""
        return self._progress.epoch * len(self._images.train)

    def _generator(self, purpose: str, device: str) -> torch.Generator:
        return torch.Generator(device).manual_seed(derive_seed(self._job.seed, purpose))

    def _load_best(self) -> None:
        load_weights(self._model, self._records.best_weights(self._progress), self._job.folder)

    def _take_up(self, checkpoint: Checkpoint | None) -> None:
        """Go on from ``checkpoint`` as if nothing had happened since it was written."""
        if checkpoint is None:
            return
        last = self._job.folder / LAST
        load_weights(self._model, checkpoint.weights, last)
        try:
            self._trainer.restore(checkpoint.state)
        except torch.OutOfMemoryError:  # A RuntimeError too, and no fault of the checkpoint.
            raise
        except (SweeperError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise SweeperError(f"{last}: no state to go on from ({' '.join(str(error).split())})") from error
        self._progress = checkpoint.progress
