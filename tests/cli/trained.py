"""Trained models in the folders that the command line takes, small and made at once; pictures read back."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from models import ImageShape
from sweeper.training.components import parse_config
from sweeper.training.data import resident
from sweeper.training.folder import begin_folder
from sweeper.training.job import Evaluation, Job, Precision
from sweeper.training.tensor_files import TensorFile, apart
from sweeper.training.trial import Trial

FC = {"name": "fc", "hidden": 16}
MODELS: dict[str, dict[str, Any]] = {
    "vae": {"name": "vae", "latent_dim": 3, "backbone": FC},
    "cvae": {"name": "cvae", "latent_dim": 3, "backbone": FC},
    "completion_cvae": {"name": "completion_cvae", "latent_dim": 3, "backbone": FC},
    "m2": {"name": "m2", "latent_dim": 3, "backbone": FC},
    "iwae2": {"name": "iwae2"},
    "pixel_vae": {"name": "pixel_vae"},
    "draw": {"name": "draw"},
    "vae_gan": {"name": "vae_gan"},
    "gan": {"name": "gan"},
    "cgan": {"name": "cgan"},
    "completion_gan": {"name": "gan", "condition": {"name": "pixels", "observed": "left"}},
}
CELL, GAP, SCALE = 56, 2, 7
"""An 8x8 digit in a picture: its size, the gap around it, and the size of one of its pixels."""


def config_of(model: dict[str, Any], **training: Any) -> dict[str, Any]:
    settings = {"epochs": 3, "batch_size": 64, "optimizer": {"name": "adam", "lr": 0.005}, **training}
    return {"data": {"name": "digits"}, "model": model, "training": settings}


def train(folder: Path, model: dict[str, Any]) -> Path:
    """Train by a trial in a folder."""
    evaluation = Evaluation("val/nll", "minimize", Precision(k=2, images=50))
    trial = Trial(Job(0, config_of(model), seed=1, folder=folder, evaluation=evaluation))
    while not trial.advance().done:
        pass
    return folder


def build(folder: Path, model: dict[str, Any]) -> Path:
    """Make the folder of a trial whose best weights are those that training begins with."""
    config = config_of(model)
    begin_folder(Job(0, config, seed=1, folder=folder, evaluation=Evaluation("val/nll", "minimize", Precision(1, 1))))
    trial = parse_config(config)
    images = resident(trial.data, None, "cpu")
    built = trial.model.build(ImageShape(*images.shape), torch.Generator().manual_seed(1), classes=images.classes)
    (folder / "best").mkdir()
    (folder / "best/model.safetensors").write_bytes(TensorFile(apart(built.state_dict())).to_bytes())
    return folder


def cells(path: Path) -> NDArray[np.uint8]:
    """Return the images in a grid of digits, [rows, columns, 8, 8], each pixel once."""
    sheet = np.asarray(Image.open(path))
    assert sheet.ndim == 2
    pitch = CELL + GAP
    assert (sheet.shape[0] - GAP) % pitch == (sheet.shape[1] - GAP) % pitch == 0
    pixels = sheet[GAP:, GAP:].reshape(sheet.shape[0] // pitch, pitch, sheet.shape[1] // pitch, pitch)
    return pixels[:, :CELL:SCALE, :, :CELL:SCALE].transpose(0, 2, 1, 3)


def as_bytes(images: torch.Tensor) -> NDArray[np.uint8]:
    """Return grey values [..., 8, 8] of digits [..., 1, 8, 8] with values in [0, 1]."""
    return (images.squeeze(-3) * 255).round().to(torch.uint8).numpy()
