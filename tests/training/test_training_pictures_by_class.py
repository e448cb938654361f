"""Protects the pictures of conditional models: each column shows one class."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models import Batch, ImageShape
from models.conditions import Label
from models.presets import VAE
from sweeper.training.pictures import column_by_class, draw


def test_each_column_has_the_images_of_one_class() -> None:
    labels = torch.tensor([2, 0, 2, 5, 0, 2, 2])
    images = torch.arange(7.0).view(7, 1, 1, 1)
    told, columns = column_by_class(images, labels, rows=3)
    assert columns == 3
    assert told.y is not None
    assert told.y.view(3, 3).tolist() == [[0, 2, 5]] * 3
    assert told.x.view(3, 3).tolist() == [[1, 0, 3], [4, 2, 3], [1, 5, 3]]


def test_samples_of_a_model_that_is_told_labels_stand_in_columns(tmp_path: Path) -> None:
    """The model's pictures are replaced by their class, as a level of grey."""
    model = VAE(latent_dim=2, condition=Label()).build(ImageShape(1, 8, 8), torch.Generator().manual_seed(0), classes=4)

    def shade(z: Tensor, context: Tensor) -> Tensor:
        return (context.argmax(-1) / 4).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)

    model.mean = shade  # type: ignore[method-assign, assignment]
    examples = Batch(torch.rand(40, 1, 8, 8), torch.arange(40) // 10)
    draw(tmp_path, model, examples, torch.Generator().manual_seed(0))
    with Image.open(tmp_path / "samples.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (8 * 58 + 2, 4 * 58 + 2)
    middles = pixels[30::58, 30::58]
    assert middles.tolist() == [[0, 64, 128, 191]] * 8
