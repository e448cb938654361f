"""What a trial writes into its folder after every epoch, and finds there when it goes on.

An epoch is written to the curve, then to ``last/``, then to ``best/``; what a kill leaves between two of them is
repaired. Where a part is damaged or gone, all are put aside and the trial begins again: its training follows from its
job alone, so that it comes to the same.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from sweeper.curve_line import METRICS
from sweeper.errors import SweeperError
from sweeper.files import remove_left_behind
from sweeper.training.best_weights import BEST, BestWeights
from sweeper.training.checkpoints import LAST, PREVIOUS, Checkpoint, load_last, save_last
from sweeper.training.curves import Curve, last_epoch
from sweeper.training.job import Job
from sweeper.training.progress import Progress


class Records:
    """Curve and checkpoints of one trial; there is no curve before `resume` or `begin_again`."""

    curve: Curve

    def __init__(self, job: Job) -> None:
        self._folder, self._trial = job.folder, job.identity
        self._best = BestWeights(job.folder, job.identity, job.evaluation.best_epochs)

    def resume(self) -> Checkpoint | None:
        """Return what the trial goes on from, ``None`` where it is at its start; make all else agree with it.

        Raises SweeperError, one line, where a part of what was written is damaged or gone.
        """
        remove_left_behind(self._folder)
        checkpoint = load_last(self._folder, self._trial)
        if checkpoint is None:
            self._check_start()
            self.curve, progress = Curve(self._folder), Progress()
        else:
            progress = checkpoint.progress
            self.curve = Curve(self._folder, progress.epoch, checkpoint.curve)
        self._best.restore(progress)
        return checkpoint

    def begin_again(self, damage: SweeperError) -> str:
        """Put aside what is in the folder, in place of what was put aside before; return one line that says why."""
        shutil.rmtree(self._folder / PREVIOUS, ignore_errors=True)
        for name in (BEST, LAST, METRICS):
            _put_aside(self._folder / name)
        self.curve = Curve(self._folder)
        return f"{damage}; put aside as *.damaged, and training begins again from its first epoch"

    def write(
        self, progress: Progress, images: int, weights: Mapping[str, Tensor], state: Mapping[str, Tensor]
    ) -> None:
        """Write down an epoch, after which so many images have been seen since the trial began."""
        self.curve.append(progress.epoch, images, progress.seconds, progress.metrics)
        save_last(self._folder, Checkpoint(self._trial, weights, state, progress, self.curve.checksum))
        self._best.keep(progress)

    def best_weights(self, progress: Progress) -> Mapping[str, Tensor]:
        """Return the weights of the best epoch, on the CPU; raise SweeperError where they are damaged or gone."""
        return self._best.load(progress)

    def _check_start(self) -> None:
        """Raise SweeperError where there must have been a checkpoint: it is written before the second epoch begins."""
        epoch = last_epoch(self._folder)
        if epoch > 1:
            raise SweeperError(f"{self._folder / LAST}: is gone, although the trial came to epoch {epoch}")


def _put_aside(path: Path) -> None:
    aside = path.with_name(f"{path.name}.damaged")
    if not path.exists():
        return
    if aside.is_dir():
        shutil.rmtree(aside)
    path.replace(aside)
