"""The pictures of a trial: some while it trains, to be stepped through, and those of its best weights at the end."""

import time
from pathlib import Path

from models import Batch, GenerativeModel
from sweeper.files import write_atomically
from sweeper.training.job import Evaluation
from sweeper.training.pictures import Noise, draw

PICTURES = "pictures"
"""The folder in a trial's folder, with a folder for each kind of picture and in it a file for each epoch."""


class Gallery:
    """Draws a model in a trial's folder. Names say kind and epoch; noise and examples are always the same."""

    def __init__(self, folder: Path, model: GenerativeModel, examples: Batch, noise: Noise) -> None:
        self._folder = folder
        self._model = model
        self._examples = examples
        self._noise = noise
        self._took: float | None = None

    def expected(self, measuring: float) -> float:
        """Return the seconds that drawing will take: those of the last time, at first as many as measuring takes."""
        return measuring if self._took is None else self._took

    def draw_epoch(self, epoch: int) -> None:
        """Show what the model draws after an epoch."""
        started = time.perf_counter()
        for kind, picture in draw(self._model, self._examples, self._noise).items():
            path = self._folder / PICTURES / kind / f"{epoch:04d}.png"
            for folder in (path.parent.parent, path.parent):  # And none above the trial's, which may be deleted.
                folder.mkdir(exist_ok=True)
            write_atomically(path, picture)
        self._took = time.perf_counter() - started

    def draw_last(self) -> None:
        """Show what the model draws in the end."""
        for kind, picture in draw(self._model, self._examples, self._noise).items():
            write_atomically(self._folder / f"{kind}.png", picture)


def is_shown(epoch: int, epochs: int, evaluation: Evaluation) -> bool:
    """Say whether a trial of so many epochs shows its model after one of them, if there is time for it.

    Of the measured epochs these are the first, each with twice the number of the one before, and the last: a long trial
    has few pictures, and its fast beginning is seen.
    """
    measurements, between = divmod(epoch, evaluation.every)
    is_power_of_two = between == 0 and measurements.bit_count() == 1
    return is_power_of_two or epoch == epochs
