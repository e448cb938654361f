"""The sweep of `whole_sweep.yaml` as a user of torch and Optuna writes it: its space, and the training of one trial.

Models, objective and bound are ours, so that only what is around them differs.
"""

from collections.abc import Iterator
from typing import Any

import optuna
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset

from models import ImageShape, importance_weighted_bound
from models.backbones import Convolutional, FullyConnected
from models.objectives import IWAE
from models.presets import VAE

TRIALS = 24
EPOCHS = 9
WORKERS = 2
BATCH_SIZE = 64


def suggest(trial: optuna.Trial) -> None:
    """Ask for the parameters, those of a backbone only where it was chosen."""
    trial.suggest_categorical("latent_dim", [2, 4, 8, 16, 32])
    if trial.suggest_categorical("backbone", ["fc", "conv"]) == "fc":
        trial.suggest_int("hidden", 32, 256, log=True)
    else:
        trial.suggest_int("channels", 8, 32, log=True)
    trial.suggest_int("layers", 1, 2)
    trial.suggest_categorical("norm", ["none", "batch"])
    trial.suggest_categorical("k", [1, 5, 10])
    trial.suggest_float("lr", 1e-4, 1e-2, log=True)


def sampler() -> optuna.samplers.TPESampler:
    return optuna.samplers.TPESampler(multivariate=True, group=True, constant_liar=True)


def make_vae(config: dict[str, Any]) -> VAE:
    layers, norm = config["layers"], config["norm"]
    if config["backbone"] == "fc":
        return VAE(
            latent_dim=config["latent_dim"],
            backbone=FullyConnected(hidden=config["hidden"], layers=layers, norm=norm),
        )
    return VAE(
        latent_dim=config["latent_dim"],
        backbone=Convolutional(channels=config["channels"], layers=layers, norm=norm),
    )


def load_images() -> tuple[torch.Tensor, torch.Tensor]:
    """Return 1,297 images to train on and 250 to validate on, uint8 [N, 1, 8, 8]."""
    digits = load_digits()
    images = torch.from_numpy(digits.images / 16 * 255).to(torch.uint8).unsqueeze(1)
    rest, _ = train_test_split(images, test_size=250, stratify=digits.target, random_state=0)
    train, validation = train_test_split(rest, test_size=250, random_state=0)
    return train, validation


def train(config: dict[str, Any]) -> Iterator[dict[str, float]]:
    """Train one trial; yield its metrics after each epoch."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    train_images, validation_images = load_images()
    loader = DataLoader(TensorDataset(train_images), batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
    model = make_vae(config).build(ImageShape(1, 8, 8), generator)
    validation = model.likelihood.preprocess(validation_images, generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    objective = IWAE(k=config["k"])
    for epoch in range(EPOCHS):
        model.train()
        sums = {"loss": 0.0, "reconstruction": 0.0, "kl": 0.0}
        for (images,) in loader:
            batch = model.likelihood.preprocess(images, generator)
            loss = objective.negative_bound(model, batch, generator, epoch)
            optimizer.zero_grad()
            loss.total.backward()
            optimizer.step()
            for name in sums:
                sums[name] += loss.terms[name].item()
        model.eval()
        bound = importance_weighted_bound(model, validation, 100, generator).mean().item()
        yield {"val_nll": -bound} | {f"train_{name}": value / len(loader) for name, value in sums.items()}
