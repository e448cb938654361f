"""Images per second of one trial's training, against the usual way and against its matrix products alone.

The 784-400-20 VAE of Kingma and Welling, ELBO, batches of 128, fused Adam, dynamic binarization, one thread, MNIST.
"""

import argparse
import gzip
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from scoreboard import Measured, Promise, announce, paired_ratio
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST

from models import Batch, GenerativeModel, ImageShape
from sweeper.training.components import TrialConfig, parse_config
from sweeper.training.data import Split, data_folder, resident
from sweeper.training.loop import Trainer

BATCH_SIZE = 128
HIDDEN = 400
LATENT = 20
PIXELS = 784
STEPS_OF_PRODUCTS = 200
CONFIG: dict[str, Any] = {
    "data": {"name": "mnist"},
    "model": {"name": "vae", "latent_dim": LATENT, "backbone": {"name": "fc", "hidden": HIDDEN}},
    "objective": {"name": "elbo"},
    "training": {"epochs": 1, "batch_size": BATCH_SIZE, "optimizer": {"name": "adam"}},
}


def build(config: TrialConfig) -> GenerativeModel:
    return config.model.build(ImageShape(1, 28, 28), torch.Generator().manual_seed(0))


def production_epoch(config: TrialConfig, images: Split) -> Callable[[], float]:
    """Return what trains one epoch as a trial does, and returns images per second."""
    order, noise = torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)
    trainer = Trainer(config, build(config), images, order, noise)

    def epoch() -> float:
        started = time.perf_counter()
        trainer.train_epoch()
        return len(images) / (time.perf_counter() - started)

    return epoch


def usual_epoch(config: TrialConfig, folder: Path, workers: int) -> Callable[[], float]:
    """Return what trains one epoch with torchvision's dataset, its transforms, and a DataLoader."""
    binarize = transforms.Lambda(torch.bernoulli)
    dataset = MNIST(str(folder), transform=transforms.Compose([transforms.ToTensor(), binarize]))
    loader = DataLoader(dataset, BATCH_SIZE, shuffle=True, drop_last=True, num_workers=workers)
    model = build(config).train()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    (negative_bound,) = config.objective.losses().values()
    noise = torch.Generator().manual_seed(2)

    def epoch() -> float:
        started = time.perf_counter()
        total = 0.0
        for images, _ in loader:
            loss = negative_bound(model, Batch(images), noise, 0.0)
            optimizer.zero_grad()
            loss.total.backward()
            optimizer.step()
            total += loss.total.item()
        return len(loader) * BATCH_SIZE / (time.perf_counter() - started)

    return epoch


class PlainVAE(torch.nn.Module):
    """The same model as a user of torch writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(PIXELS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 2 * LATENT)
        )
        self.decoder = torch.nn.Sequential(
            torch.nn.Linear(LATENT, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, PIXELS)
        )

    def negative_bound(self, x: Tensor) -> Tensor:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        reconstruction = F.binary_cross_entropy_with_logits(self.decoder(z), x.flatten(1), reduction="sum")
        kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
        return (reconstruction + kl) / len(x)


def plain_epoch(folder: Path) -> Callable[[], float]:
    """Return what trains one epoch as PyTorch's own examples do: plain layers, Adam, torchvision, a DataLoader."""
    binarize = transforms.Lambda(torch.bernoulli)
    dataset = MNIST(str(folder), transform=transforms.Compose([transforms.ToTensor(), binarize]))
    loader = DataLoader(dataset, BATCH_SIZE, shuffle=True, drop_last=True)
    model = PlainVAE()
    optimizer = torch.optim.Adam(model.parameters())

    def epoch() -> float:
        started = time.perf_counter()
        total = 0.0
        for images, _ in loader:
            loss = model.negative_bound(images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        return len(loader) * BATCH_SIZE / (time.perf_counter() - started)

    return epoch


def matrix_products(model: GenerativeModel) -> Callable[[], float]:
    """Return what computes the products of some steps and nothing else, and returns images per second.

    For every layer of the model: forward x Wᵀ, and backward gᵀ x and, where the layer's input has a gradient, g W.
    The weights' gradients are kept in memory of their own, as training must keep them for the optimizer.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    weights = [layer.weight.detach() for layer in layers]
    inputs = [torch.randn(BATCH_SIZE, weight.shape[1]) for weight in weights]
    outputs = [torch.randn(BATCH_SIZE, weight.shape[0]) for weight in weights]
    gradients = [torch.empty_like(weight) for weight in weights]
    backwards = [torch.empty_like(x) for x in inputs]

    def step() -> None:
        for x, weight, output in zip(inputs, weights, outputs, strict=True):
            torch.mm(x, weight.t(), out=output)
        for index in reversed(range(len(weights))):
            torch.mm(outputs[index].t(), inputs[index], out=gradients[index])
            if index:  # The images have no gradient.
                torch.mm(outputs[index], weights[index], out=backwards[index])

    def rate() -> float:
        started = time.perf_counter()
        for _ in range(STEPS_OF_PRODUCTS):
            step()
        return STEPS_OF_PRODUCTS * BATCH_SIZE / (time.perf_counter() - started)

    return rate


def unpack_mnist(data_dir: Path, folder: Path) -> None:
    """Unpack MNIST where torchvision looks for it."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (data_dir / "MNIST" / "raw").glob("*.gz"):
        (raw / path.stem).write_bytes(gzip.decompress(path.read_bytes()))


def measure(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, Measured]:
    """Return the rate of each contender in alternating rounds, after one that does not count."""
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for counts in range(rounds + 1):
        for name, rate in contenders.items():
            measured = rate()
            if counts:
                samples[name].append(measured)
    return {name: Measured(name, tuple(rates)) for name, rates in samples.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets; default: SWEEPER_DATA")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config, folder = parse_config(CONFIG), data_folder(arguments.data_dir)
    images = resident(config.data, folder, "cpu").train
    with torch.random.fork_rng(), tempfile.TemporaryDirectory() as unpacked:
        unpack_mnist(folder, Path(unpacked))
        slow = measure(
            {
                "trial": production_epoch(config, images),
                "DataLoader, plain PyTorch": plain_epoch(Path(unpacked)),
                "DataLoader, our layers": usual_epoch(config, Path(unpacked), 0),
                "DataLoader, our layers, 2 more processes": usual_epoch(config, Path(unpacked), 2),
            },
            max(1, arguments.rounds // 2),
        )
    short = Split(images.images[: STEPS_OF_PRODUCTS * BATCH_SIZE], None)
    quick = measure(
        {"trial beside its products": production_epoch(config, short), "products": matrix_products(build(config))},
        4 * arguments.rounds,
    )
    trial, products = quick.values()
    promises = [
        Promise("times plain PyTorch", paired_ratio(slow["trial"], slow["DataLoader, plain PyTorch"]), "at least", 2.0),
        Promise("share of the products' rate", trial.median / products.median, "at least", 0.75),
    ]
    code = announce("training speed", "images/s", list(slow.values()), slow["DataLoader, plain PyTorch"], promises[:1])
    return max(code, announce("training speed, products", "images/s", [trial, products], products, promises[1:]))


if __name__ == "__main__":
    sys.exit(main())
