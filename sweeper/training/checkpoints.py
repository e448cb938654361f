"""Checkpoints: safetensors, never pickle; weights apart from the optimizer; `best` and `last` and nothing else.

``last/`` holds all that is needed to go on as if nothing had happened: weights in ``model.safetensors``, optimizer
and random state in ``state.safetensors``, numbers in ``state.json``. The three belong together, so the folder is
replaced as a whole, and the one before it stays until the new one is in its place. ``best/`` holds weights alone.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

WEIGHTS = "model.safetensors"
STATE = "state.safetensors"
NUMBERS = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """The whole state of a trial after an epoch."""

    weights: dict[str, Tensor]
    tensors: dict[str, Tensor]
    """Optimizer moments, random states, the rest of the data order."""
    numbers: dict[str, Any]
    """Everything that JSON can hold."""


def save_last(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace ``folder/last`` by ``checkpoint``."""
    last, new, previous = (folder / name for name in ("last", "last.new", "last.previous"))
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    save_file(_contiguous(checkpoint.weights), new / WEIGHTS)
    save_file(_contiguous(checkpoint.tensors), new / STATE)
    (new / NUMBERS).write_text(json.dumps(checkpoint.numbers))
    for name in (WEIGHTS, STATE, NUMBERS):
        _bring_to_disk(new / name)
    if last.exists():
        shutil.rmtree(previous, ignore_errors=True)
        last.rename(previous)
    new.rename(last)
    shutil.rmtree(previous, ignore_errors=True)


def load_last(folder: Path, device: str) -> Checkpoint | None:
    """Return the newest whole checkpoint below ``folder``, or ``None`` where there is none yet."""
    for name in ("last", "last.previous"):  # A kill between the two renames leaves only the previous one.
        last = folder / name
        if last.is_dir():
            return Checkpoint(
                load_file(last / WEIGHTS, device),
                load_file(last / STATE),
                json.loads((last / NUMBERS).read_text()),
            )
    return None


def keep_as_best(folder: Path) -> None:
    """Make the weights of ``last`` the ones of ``best``, without writing them twice where links are possible."""
    best = folder / "best"
    best.mkdir(exist_ok=True)
    new = best / (WEIGHTS + ".new")
    new.unlink(missing_ok=True)
    try:
        os.link(folder / "last" / WEIGHTS, new)
    except OSError:  # A file system without hard links.
        shutil.copyfile(folder / "last" / WEIGHTS, new)
        _bring_to_disk(new)
    new.replace(best / WEIGHTS)


def load_best(folder: Path, device: str) -> dict[str, Tensor]:
    """Return the weights of the epoch with the best validation metric."""
    return load_file(folder / "best" / WEIGHTS, device)


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().contiguous() for name, tensor in tensors.items()}


def _bring_to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def pack_optimizer(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """Return an optimizer's state as tensors named ``prefix.<parameter>.<quantity>``."""
    state = optimizer.state_dict()["state"]
    return {
        f"{prefix}.{index}.{quantity}": torch.as_tensor(value)
        for index, quantities in state.items()
        for quantity, value in quantities.items()
        if value is not None  # SGD without momentum has an empty buffer.
    }


def unpack_optimizer(optimizer: torch.optim.Optimizer, prefix: str, tensors: dict[str, Tensor]) -> None:
    """Put what `pack_optimizer` returned back into a new optimizer of the same parameters."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix + "."):
            index, _, quantity = name.removeprefix(prefix + ".").partition(".")
            state.setdefault(int(index), {})[quantity] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
