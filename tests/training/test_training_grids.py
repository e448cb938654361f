"""Protects grids of images: their size, their values, and which image is where."""

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from sweeper.training.grids import row_by_row, save_grid


def read(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_grid_is_grey_between_its_images_and_enlarges_small_ones(tmp_path: Path) -> None:
    images = torch.tensor([0.0, 0.25, 1.0]).view(3, 1, 1, 1).expand(3, 1, 8, 8)
    save_grid(tmp_path / "grid.png", images, columns=2)
    pixels = read(tmp_path / "grid.png")
    assert pixels.shape == (2 * 58 + 2, 2 * 58 + 2)
    assert (pixels[2:58, 2:58] == 0).all()
    assert (pixels[2:58, 60:116] == 64).all()
    assert (pixels[60:116, 2:58] == 255).all()
    assert set(pixels[60:116, 60:116].ravel()) == set(pixels[:2].ravel()) == {128}


def test_large_and_coloured_images_keep_their_size_and_colours(tmp_path: Path) -> None:
    image = torch.zeros(1, 3, 70, 60)
    image[:, 1] = 1
    save_grid(tmp_path / "grid.png", image, columns=1)
    pixels = read(tmp_path / "grid.png")
    assert pixels.shape == (74, 64, 3)
    assert (pixels[2:72, 2:62] == (0, 255, 0)).all()


def test_values_that_are_no_colours_are_cut_off(tmp_path: Path) -> None:
    images = torch.tensor([math.nan, -3.0, 7.0, math.inf]).view(4, 1, 1, 1).expand(4, 1, 60, 60)
    save_grid(tmp_path / "grid.png", images, columns=4)
    assert read(tmp_path / "grid.png")[30, 30::62].tolist() == [0, 0, 255, 255]


def test_originals_stand_above_their_reconstructions() -> None:
    originals = torch.arange(6.0).view(6, 1, 1, 1)
    laid_out = row_by_row(originals, originals + 10, columns=3)
    assert laid_out.flatten().tolist() == [0, 1, 2, 10, 11, 12, 3, 4, 5, 13, 14, 15]
