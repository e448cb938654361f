"""The sweep of `whole_sweep.yaml` as a user of torch and Optuna writes it: its space, its model, and one trial.

The same layers, objective, bound, batches and epochs as ours, in plain PyTorch as its documentation teaches it.
"""

import math
from collections.abc import Iterator
from typing import Any

import optuna
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

TRIALS = 24
EPOCHS = 9
WORKERS = 2
BATCH_SIZE = 64


def suggest(trial: optuna.Trial) -> None:
    """Ask for the parameters, those of a backbone only where it was chosen."""
    trial.suggest_categorical("latent_dim", [2, 4, 8, 16, 32])
    if trial.suggest_categorical("backbone", ["fc", "conv"]) == "fc":
        trial.suggest_int("hidden", 64, 512, log=True)
        trial.suggest_int("fc_layers", 1, 3)
    else:
        trial.suggest_int("channels", 8, 64, log=True)
        trial.suggest_int("conv_layers", 1, 2)
    trial.suggest_categorical("norm", ["none", "batch"])
    trial.suggest_categorical("k", [1, 5, 10])
    trial.suggest_float("lr", 1e-4, 1e-2, log=True)


def sampler() -> optuna.samplers.TPESampler:
    return optuna.samplers.TPESampler(multivariate=True, group=True, constant_liar=True)


def fully_connected(config: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    hidden, latent = config["hidden"], config["latent_dim"]

    def block(inputs: int) -> list[nn.Module]:
        norm = [nn.BatchNorm1d(hidden)] if config["norm"] == "batch" else []
        return [nn.Linear(inputs, hidden), *norm, nn.ReLU()]

    def blocks(inputs: int) -> list[nn.Module]:
        return [layer for index in range(config["fc_layers"]) for layer in block(hidden if index else inputs)]

    encoder = nn.Sequential(nn.Flatten(), *blocks(64), nn.Linear(hidden, 2 * latent))
    return encoder, nn.Sequential(*blocks(latent), nn.Linear(hidden, 64), nn.Unflatten(1, (1, 8, 8)))


def convolutional(config: dict[str, Any]) -> tuple[nn.Module, nn.Module]:
    channels, layers, latent = config["channels"], config["conv_layers"], config["latent_dim"]
    size = 8 // 2**layers

    def after() -> list[nn.Module]:
        return [*([nn.BatchNorm2d(channels)] if config["norm"] == "batch" else []), nn.ReLU()]

    down, up = [], []
    for index in range(layers):
        down += [nn.Conv2d(channels if index else 1, channels, 3, stride=2, padding=1), *after()]
        out = channels if index < layers - 1 else 1
        up += [nn.ConvTranspose2d(channels, out, 3, stride=2, padding=1, output_padding=1)]
        up += after() if index < layers - 1 else []
    flat = channels * size * size
    encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, 2 * latent))
    return encoder, nn.Sequential(nn.Linear(latent, flat), nn.Unflatten(1, (channels, size, size)), *after(), *up)


class VAE(nn.Module):
    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        make = fully_connected if config["backbone"] == "fc" else convolutional
        self.encoder, self.decoder = make(config)

    def log_weights(self, x: Tensor, k: int) -> Tensor:
        """Return log p(x|z) + log p(z) - log q(z|x) [k, B] of binary images [B, 1, 8, 8]."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        posterior = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
        prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
        z = posterior.rsample((k,))
        logits = self.decoder(z.flatten(0, 1)).unflatten(0, z.shape[:2])
        log_likelihood = -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none")
        log_ratio = (prior.log_prob(z) - posterior.log_prob(z)).sum(-1)
        return log_likelihood.sum((-3, -2, -1)) + log_ratio

    def bound(self, x: Tensor, k: int) -> Tensor:
        return self.log_weights(x, k).logsumexp(0) - math.log(k)


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
    torch.manual_seed(0)
    train_images, validation_images = load_images()
    loader = DataLoader(TensorDataset(train_images), batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
    validation = DataLoader(TensorDataset(torch.bernoulli(validation_images / 255)), batch_size=BATCH_SIZE)
    model = VAE(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    for _ in range(EPOCHS):
        model.train()
        total = 0.0
        for (images,) in loader:
            loss = -model.bound(torch.bernoulli(images / 255), config["k"]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            bounds = torch.cat([model.bound(images, 100) for (images,) in validation])
        yield {"val_nll": -bounds.mean().item(), "train_loss": total / len(loader)}
