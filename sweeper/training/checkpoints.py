"""Checkpoints: safetensors, never pickle; weights apart from the optimizer; `best` and `last` and nothing else.

``last/`` holds all that is needed to go on as if nothing had happened: weights in ``model.safetensors``, optimizer
and random state in ``state.safetensors``, numbers in ``state.json``. The three belong together, so the folder is
replaced as a whole, and the one before it stays until the new one is in its place. ``best/`` holds weights alone.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from sweeper.errors import SweeperError
from sweeper.training.files import bring_to_disk, temporary_name
from sweeper.training.progress import Progress

LAST, PREVIOUS, BEST = "last", "last.previous", "best"
WEIGHTS = "model.safetensors"
STATE = "state.safetensors"
NUMBERS = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """The whole state of a trial after an epoch; tensors that were loaded are on the CPU."""

    weights: dict[str, Tensor]
    state: dict[str, Tensor]
    """Optimizer moments, random states, the rest of the data order."""
    progress: Progress


def save_last(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace ``folder/last`` by ``checkpoint``."""
    last, previous = folder / LAST, folder / PREVIOUS
    for left_behind in folder.glob(f"{LAST}.*.new"):
        shutil.rmtree(left_behind)
    new = temporary_name(last)
    new.mkdir(parents=True)
    _write(new, checkpoint)
    if last.exists():
        shutil.rmtree(previous, ignore_errors=True)
        last.rename(previous)
    new.rename(last)
    bring_to_disk(folder)
    shutil.rmtree(previous, ignore_errors=True)


def load_last(folder: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint in ``folder``, or ``None`` where there is none yet.

    Where ``last`` is missing or damaged, as after a kill between two renames or a loss of power, the checkpoint before
    it takes its place, if there is one. Raises SweeperError, naming the file, where none can be read.
    """
    last, previous = folder / LAST, folder / PREVIOUS
    try:
        if last.exists() or not previous.exists():
            return _read(last) if last.exists() else None
    except SweeperError:
        if not previous.exists():
            raise
    checkpoint = _read(previous)
    shutil.rmtree(last, ignore_errors=True)
    previous.rename(last)
    return checkpoint


def keep_as_best(folder: Path) -> None:
    """Make the weights of ``last`` the ones of ``best``, without writing them twice where links are possible."""
    best = folder / BEST / WEIGHTS
    best.parent.mkdir(exist_ok=True)
    new = temporary_name(best)
    try:
        try:
            os.link(folder / LAST / WEIGHTS, new)
        except OSError:  # A file system without hard links.
            shutil.copyfile(folder / LAST / WEIGHTS, new)
            bring_to_disk(new)
        new.replace(best)
    finally:
        new.unlink(missing_ok=True)  # Renaming one link over another of the same file leaves both.
    bring_to_disk(best.parent)


def load_best(folder: Path) -> dict[str, Tensor]:
    """Return the weights of the best epoch, on the CPU; raise SweeperError where they cannot be read."""
    return read_tensors(folder / BEST / WEIGHTS)


def load_weights(model: torch.nn.Module, weights: Mapping[str, Tensor], folder: Path) -> None:
    """Give ``model`` the weights that were read from ``folder``; raise SweeperError where they are another model's."""
    expected = model.state_dict()
    names = [name for name in (*expected, *weights) if name not in expected or name not in weights]
    if names:
        raise SweeperError(f"{folder}: a checkpoint of another model: {names[0]} is only in one of the two")
    for name, value in expected.items():
        if weights[name].shape != value.shape:
            found, allowed = list(weights[name].shape), list(value.shape)
            raise SweeperError(f"{folder}: a checkpoint of another model: {name} is {found}; must be {allowed}")
    model.load_state_dict(dict(weights))


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    save_file(_apart(checkpoint.weights), folder / WEIGHTS)
    save_file(_apart(checkpoint.state), folder / STATE)
    (folder / NUMBERS).write_text(checkpoint.progress.to_json())
    for name in (WEIGHTS, STATE, NUMBERS):
        bring_to_disk(folder / name)


def _read(folder: Path) -> Checkpoint:
    try:
        progress = Progress.from_json((folder / NUMBERS).read_text())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SweeperError(_damaged(folder / NUMBERS, error)) from error
    return Checkpoint(read_tensors(folder / WEIGHTS), read_tensors(folder / STATE), progress)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors in a file, on the CPU; raise SweeperError where they cannot be read.

    They are in memory of their own: a mapped file could not be removed on a network file system.
    """
    try:
        return load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise SweeperError(_damaged(path, error)) from error


def _damaged(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
    return f"{path}: cannot be read as part of a checkpoint ({type(error).__name__}: {reason})"


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors that share no memory, as safetensors demands; tied weights are then stored twice."""
    return {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
