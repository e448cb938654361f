"""A trained model as a command is given it: an exported file, or the folder of a trial or of a training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from models import Batch, GenerativeModel, LatentVariableModel
from models.conditions import LabelConditioning
from sweeper.analysis import read_config, read_trial_config
from sweeper.cli.source import Source
from sweeper.errors import SweeperError, UsageError
from sweeper.training.best_weights import BEST
from sweeper.training.check import check_config
from sweeper.training.checkpoints import WEIGHTS
from sweeper.training.data import Split
from sweeper.training.folder import CONFIG
from sweeper.training.restore import Restored, codes, restore

COLUMNS = 8
"""Images in a row, where nothing else decides on it."""


@dataclass(frozen=True, eq=False)
class Opened:
    """A trained model, with what a command asks of it; all that it cannot do is a UsageError that names its file."""

    file: Path
    restored: Restored
    generator: torch.Generator
    """The only source of randomness: it picks the images, and makes the draws."""

    @property
    def model(self) -> GenerativeModel:
        """The model itself."""
        return self.restored.model

    @property
    def autoencoder(self) -> LatentVariableModel:
        """The model, or what is inside it, that has a way from images to latent vectors."""
        found = self.model.density
        if not isinstance(found, LatentVariableModel):
            self.refuse(f"a {type(self.model).__name__} has no encoder: it makes images, and cannot be shown any")
        return found

    def refuse(self, reason: str) -> NoReturn:
        """Raise the error of a model that cannot do what it is asked."""
        raise UsageError(f"{self.file}: {reason}")

    def examples(self, count: int) -> Batch:
        """Return so many validation images, picked at random."""
        return self.pick(self.restored.images.validation, count, "validation images")

    def pick(self, split: Split, count: int, what: str) -> Batch:
        """Return so many images of a split, picked at random; ``what`` they are is what a message calls them."""
        if count > len(split):
            self.refuse(f"found -n {count}; must be at most {len(split)}, the {what}")
        picked = torch.randperm(len(split), generator=self.generator)[:count]
        labels = None if split.labels is None else split.labels[picked]
        return self.restored.batch(Split(split.images[picked], labels), self.generator)

    def labelled(self, count: int, labels: list[int]) -> tuple[Tensor | None, int]:
        """Return context vectors for so many new images, and how many fill a row.

        A model with condition label is told the given classes in turn, by default all of them; another one what is
        known of so many validation images.
        """
        conditioning = self.model.conditioning
        if not isinstance(conditioning, LabelConditioning):
            if labels:
                self.refuse("found --label; must be a model with condition label to be told a class")
            return (conditioning.context(self.examples(count)) if conditioning.size else None), COLUMNS
        classes = [self.a_class("--label", label) for label in labels] or list(range(conditioning.size))
        told = torch.tensor([classes[index % len(classes)] for index in range(count)])
        return conditioning.one_hot(told), COLUMNS if len(classes) == 1 else len(classes)

    def a_class(self, option: str, found: int) -> int:
        """Return what an option says if it is one of the data set's classes."""
        classes = self.restored.images.classes
        if not 0 <= found < classes:
            self.refuse(f"found {option} {found}; must be a class, 0 to {classes - 1}")
        return found

    def of_class(self, option: str, label: int, count: int) -> Batch:
        """Return so many test images of the class that an option says, picked at random."""
        test = self.restored.images.test
        if test.labels is None:
            self.refuse(f"found {option} {label}; must be trained on images with labels to have classes")
        of_class = test.labels == self.a_class(option, label)
        return self.pick(Split(test.images[of_class], test.labels[of_class]), count, f"test images of class {label}")

    def means(self) -> tuple[Tensor, Tensor | None]:
        """Return the latent vectors [N, L] of all validation images, and their classes [N] if there are labels."""
        batch = self.restored.batch(self.restored.images.validation, self.generator)
        return codes(self.autoencoder, batch), batch.y


def open_model(source: Source) -> Opened:
    """Return the model that a command is about; raise UsageError, one line, where it cannot be had."""
    config, weights = _of_folder(source.file) if source.file.is_dir() else _of_file(source.file)
    check_config(source.file, config, source.data_dir)
    if not weights.is_file():
        kept = ": a sweep keeps those of its best trials, see sweep.checkpoints" if source.file.is_dir() else ""
        raise UsageError(f"{source.file}: its weights are missing; must be in {weights}{kept}")
    try:
        restored = restore(config, weights, source.data_dir)
    except SweeperError as error:
        raise UsageError(str(error)) from error
    return Opened(source.file, restored, torch.Generator().manual_seed(source.seed))


def _of_folder(folder: Path) -> tuple[dict[str, Any], Path]:
    if not (folder / CONFIG).is_file():
        raise UsageError(f"{folder}: has no {CONFIG}; must be the folder of a trial or a training, or an exported file")
    return read_trial_config(folder / CONFIG), folder / BEST / WEIGHTS


def _of_file(file: Path) -> tuple[dict[str, Any], Path]:
    config, _ = read_config(file)
    return config, file.with_suffix(".safetensors")
