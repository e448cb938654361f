"""The weights of a trial's best epochs, in its folder ``best/``.

``model.safetensors`` has those of the best epoch. Where more epochs are kept, each of them is in a file
``epoch-<n>.safetensors``, the best one too. All are hard links of what ``last/`` held after those epochs, where the
file system has links, so that nothing is written twice.
"""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from sweeper.errors import SweeperError
from sweeper.files import bring_to_disk, temporary_name
from sweeper.training.checkpoints import LAST, WEIGHTS, written_by
from sweeper.training.progress import Progress
from sweeper.training.tensor_files import TensorFile

BEST = "best"


class BestWeights:
    """The folder ``best/`` of one trial."""

    def __init__(self, folder: Path, trial: str, epochs: int) -> None:
        """Keep the weights of so many best epochs of a trial (`Job.identity`) in its folder."""
        self._folder, self._trial, self._epochs = folder / BEST, trial, epochs
        self._last = folder / LAST / WEIGHTS

    def keep(self, progress: Progress) -> None:
        """Take in the last epoch of ``progress``, whose weights are in ``last/``, where it is one of the best."""
        names = [name for name, epoch in self._wanted(progress).items() if epoch == progress.epoch]
        for name in names:
            self._link(self._last, name)
        if names:
            self._tidy(progress)

    def restore(self, progress: Progress) -> None:
        """Make the folder hold what it is to hold after the last epoch of ``progress``, whatever a kill left in it.

        Raises SweeperError, one line that names a file, where weights are damaged or gone that only this folder had.
        """
        for name, epoch in self._wanted(progress).items():
            source = self._source(name, epoch, progress)
            if source != self._folder / name:
                self._link(source, name)
        self._tidy(progress)

    def load(self, progress: Progress) -> Mapping[str, Tensor]:
        """Return the weights of the best epoch, on the CPU; raise SweeperError where they are damaged or gone."""
        return self._read(self._folder / WEIGHTS, progress.best_epoch)

    def _wanted(self, progress: Progress) -> dict[str, int]:
        """Return the files that the folder is to have, each with its epoch."""
        wanted = {WEIGHTS: progress.best_epoch} if progress.best else {}
        if self._epochs > 1:
            wanted |= {_name(one.epoch): one.epoch for one in progress.best[: self._epochs]}
        return wanted

    def _source(self, name: str, epoch: int, progress: Progress) -> Path:
        """Return a whole file with the weights of an epoch, best the one of that name."""
        if epoch == progress.epoch:
            return self._last  # It was verified when it was loaded.
        own, *others = (self._folder / candidate for candidate in dict.fromkeys((name, WEIGHTS, _name(epoch))))
        try:
            self._read(own, epoch)
        except SweeperError:
            for other in others:
                with suppress(SweeperError):
                    self._read(other, epoch)
                    return other
            raise
        return own

    def _read(self, path: Path, epoch: int) -> Mapping[str, Tensor]:
        file = TensorFile.read(path)
        if file.about != written_by(self._trial, epoch):
            raise SweeperError(f"{path}: has not the weights that this trial had after epoch {epoch}")
        return file.tensors

    def _link(self, source: Path, name: str) -> None:
        self._folder.mkdir(exist_ok=True)
        new = temporary_name(self._folder / name)
        try:
            try:
                os.link(source, new)
            except OSError:  # A file system without hard links.
                shutil.copyfile(source, new)
                bring_to_disk(new)
            new.replace(self._folder / name)
        finally:
            new.unlink(missing_ok=True)  # Renaming one link over another of the same file leaves both.
        bring_to_disk(self._folder)

    def _tidy(self, progress: Progress) -> None:
        """Remove what is not wanted: epochs that others are better than, and what a kill has left."""
        wanted = self._wanted(progress)
        if not wanted:
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        for path in self._folder.iterdir():
            if path.name not in wanted:
                path.unlink()


def _name(epoch: int) -> str:
    return f"epoch-{epoch}.safetensors"
