"""What the importance-weighted bound costs with k = 5000: its memory, and its time beside its matrix products alone.

MNIST's test images and fully connected autoencoders, untrained, one thread. Times are of the processor, for one draw of
z: they do not depend on how many images there are, so that a few of them are measured in turn with the products.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
import torch.nn.functional as F
from scoreboard import Measured, Promise, announce, paired_ratio

from models import Batch, ImageShape, LatentVariableModel, importance_weighted_bound
from models.backbones import FullyConnected
from models.presets import VAE
from sweeper.training.data import data_folder, find, resident
from sweeper.training.measures.density import density_of

K = 5000
SHAPE = ImageShape(1, 28, 28)
REFERENCE = "784-500-500-50"
DECODERS = {
    REFERENCE: VAE(latent_dim=50, backbone=FullyConnected(hidden=500, layers=2)),
    "784-500-50": VAE(latent_dim=50, backbone=FullyConnected(hidden=500)),
    "784-400-20": VAE(latent_dim=20, backbone=FullyConnected(hidden=400)),
    "784-200-200-50": VAE(latent_dim=50, backbone=FullyConnected(hidden=200, layers=2)),
    "784-100-2": VAE(latent_dim=2, backbone=FullyConnected(hidden=100)),
}
"""The third is that of `training_speed`, the fourth that of Burda et al. 2016, the last that of seed 004. What is done
for each pixel and not in products costs the same in all of them: the smaller the decoder, the larger is its share."""
CHUNKS = (128, 256, 512, 1024, 2048)
"""Rows of the products that are tried, to take the fastest."""
GIB = 2**30
MICRO = 1e6


def build(name: str) -> LatentVariableModel:
    return density_of(DECODERS[name].build(SHAPE, torch.Generator().manual_seed(0)).eval())


def binarized(model: LatentVariableModel, folder: Path, count: int) -> Batch:
    """Return the first test images, as the evaluation scores them."""
    images = resident(find("mnist")(), folder, "cpu").test.images[:count]
    return Batch(model.space.preprocess(images, torch.Generator().manual_seed(1)))


def bound(model: LatentVariableModel, batch: Batch) -> float:
    """Return microseconds per draw of L_k for the images."""
    started = time.process_time()
    importance_weighted_bound(model, batch, K, torch.Generator().manual_seed(2))
    return (time.process_time() - started) / (len(batch) * K) * MICRO


@torch.inference_mode()
def products(model: LatentVariableModel, rows: int, draws: int, onednn: bool = True) -> float:
    """Return microseconds per draw of the decoder's products x Wᵀ and nothing else, so many rows at once.

    oneDNN's, of inputs in its own layout, are about twice as fast as PyTorch's usual ones on AMD's processors.
    """
    weights = [layer.weight for layer in model.decoder.modules() if isinstance(layer, torch.nn.Linear)]
    inputs = [torch.randn(rows, weight.shape[1]) for weight in weights]
    inputs = [x.to_mkldnn() for x in inputs] if onednn else inputs
    chunks = -(-draws // rows)
    started = time.process_time()
    for _ in range(chunks):
        for x, weight in zip(inputs, weights, strict=True):
            F.linear(x, weight)
    return (time.process_time() - started) / (chunks * rows) * MICRO


def fastest_rows(model: LatentVariableModel, draws: int) -> int:
    return min(CHUNKS, key=lambda rows: min(products(model, rows, draws) for _ in range(3)))


def in_turn(name: str, folder: Path, images: int, rounds: int) -> tuple[Measured, Measured, Measured]:
    """Return the bound, its products by oneDNN and as usual, measured in turn after a round that does not count."""
    model = build(name)
    batch, draws = binarized(model, folder, images), images * K
    rows = fastest_rows(model, draws)
    samples = [
        (bound(model, batch), products(model, rows, draws), products(model, rows, draws, onednn=False))
        for _ in range(rounds + 1)
    ]
    names = ("bound", f"products, {rows} rows at once", "products by torch.mm")
    ours, fastest, usual = (
        Measured(name, each) for name, each in zip(names, zip(*samples[1:], strict=True), strict=True)
    )
    return ours, fastest, usual


def whole(folder: Path, images: int) -> tuple[float, float]:
    """Return microseconds per draw for so many images at once, and GiB that the process had resident at most."""
    torch.set_num_threads(1)
    model = build(REFERENCE)
    spent = bound(model, binarized(model, folder, images))
    return spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


def whole_alone(folder: Path, images: int) -> tuple[float, float]:
    """Return what `whole` does, of a process of its own, begun anew."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(whole, folder, images).result()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder of the data sets; default: SWEEPER_DATA")
    parser.add_argument("--images", type=int, default=1000, help="at once, for the memory; all are 10000")
    parser.add_argument("--images-per-round", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    folder = data_folder(arguments.data_dir)
    torch.set_num_threads(1)
    spent, resident_gib = whole_alone(folder, arguments.images)
    measured = Measured(f"{REFERENCE}, {arguments.images} images", (spent,))
    memory = Promise("GiB resident at most, all of the process", resident_gib, "at most", 2.0)
    codes = [announce(f"L_{K}, memory", "µs per draw", [measured], measured, [memory])]
    for name in DECODERS:
        ours, fastest, usual = in_turn(name, folder, arguments.images_per_round, arguments.rounds)
        ratio = Promise("times its products", paired_ratio(ours, fastest), "at most", 1.5)
        promises = [ratio] if name == REFERENCE else []
        codes.append(announce(f"L_{K}, {name}", "µs per draw", [ours, fastest, usual], fastest, promises))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
