"""A trained model out of its files: built as its configuration says, with the weights of its best epoch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models import Batch, GenerativeModel, ImageShape, LatentVariableModel
from sweeper.errors import SweeperError
from sweeper.training.checkpoints import load_weights
from sweeper.training.components import parse_config
from sweeper.training.data import Dataset, Images, Split, resident
from sweeper.training.tensor_files import TensorFile

AT_ONCE = 1024
"""Images encoded at once, so that memory does not grow with the split."""


@dataclass(frozen=True, eq=False)
class Restored:
    """A trained model, in eval mode on the CPU, and the images that it was trained on a part of."""

    model: GenerativeModel
    images: Images
    dataset: Dataset

    def batch(self, split: Split, generator: torch.Generator) -> Batch:
        """Return all images of a split as the model takes them, drawn once where its preprocessing draws."""
        return Batch(self.model.space.prepare(split.images, generator), split.labels)


def restore(config: Mapping[str, Any], weights: Path, data_dir: Path | None) -> Restored:
    """Return the model of a configuration that was found to be right, with the weights in a file.

    Its data set is read, because it decides on the model's shape. Raises SweeperError where the weights cannot be read
    or are another model's.
    """
    trial = parse_config(config)
    images = resident(trial.data, data_dir, "cpu")
    model = trial.model.build(ImageShape(*images.shape), torch.Generator(), classes=images.classes)
    load_weights(model, _tensors(weights), weights)
    return Restored(model.eval(), images, trial.data)


def _tensors(path: Path) -> Mapping[str, Tensor]:
    try:
        return TensorFile.read(path).tensors
    except OSError as error:
        raise SweeperError(f"{path}: cannot be read ({error.strerror})") from error


@torch.no_grad()
def codes(model: LatentVariableModel, batch: Batch) -> Tensor:
    """Return the latent vector [N, L] that the model infers for each image, without drawing."""
    return torch.cat([model.infer(part) for part in batch.split(AT_ONCE)])
