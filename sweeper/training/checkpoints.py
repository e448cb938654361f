"""The checkpoint to go on from: safetensors, never pickle; weights apart from the optimizer, and verified when loaded.

``last/`` holds all that is needed to go on as if nothing had happened: weights in ``model.safetensors``, optimizer
and random state in ``state.safetensors``, numbers in ``state.json``. The three belong together, so the folder is
replaced as a whole, and the one before it stays until the new one is in its place. Each file has a checksum, and
``state.json`` has those of the other two, and of the curve until then.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sweeper import strict_json
from sweeper.errors import SweeperError
from sweeper.files import bring_to_disk, opened_durably, temporary_name
from sweeper.training.progress import Progress
from sweeper.training.tensor_files import TensorFile, apart

LAST, PREVIOUS = "last", "last.previous"
WEIGHTS = "model.safetensors"
STATE = "state.safetensors"
NUMBERS = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """The whole state of a trial after an epoch; tensors that were loaded are on the CPU."""

    trial: str
    """Which trial's it is: `Job.identity`."""
    weights: Mapping[str, Tensor]
    state: Mapping[str, Tensor]
    """Optimizer moments, random states, the rest of the data order."""
    progress: Progress
    curve: str
    """`Curve.checksum` after the epoch."""


def save_last(folder: Path, checkpoint: Checkpoint) -> None:
    """Replace ``folder/last`` by ``checkpoint``; where that fails, the old one is still the one that is loaded."""
    last, previous = folder / LAST, folder / PREVIOUS
    new = temporary_name(last)
    try:
        new.mkdir()
        _write(new, checkpoint)
        if last.exists():
            shutil.rmtree(previous, ignore_errors=True)
            last.rename(previous)
        new.rename(last)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    bring_to_disk(folder)
    shutil.rmtree(previous, ignore_errors=True)


def load_last(folder: Path, trial: str) -> Checkpoint | None:
    """Return the newest whole checkpoint of ``trial`` in ``folder``, or ``None`` where there is none yet.

    Where ``last`` is missing or damaged, as after a kill between two renames or a loss of power, the checkpoint before
    it takes its place, if there is one. Raises SweeperError, one line that names the file, where none can be read.
    """
    last, previous = folder / LAST, folder / PREVIOUS
    if not last.exists() and not previous.exists():
        return None
    try:
        checkpoint = _read(last, trial)
    except SweeperError:
        if not previous.exists():
            raise
        checkpoint = _read(previous, trial)
        shutil.rmtree(last, ignore_errors=True)
        previous.rename(last)
    shutil.rmtree(previous, ignore_errors=True)
    return checkpoint


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


def written_by(trial: str, epoch: int) -> dict[str, str]:
    """Return what is said in a file of tensors: which trial wrote it, and after which epoch."""
    return {"trial": trial, "epoch": str(epoch)}


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    about = written_by(checkpoint.trial, checkpoint.progress.epoch)
    checksums = {}
    for name, tensors in ((WEIGHTS, checkpoint.weights), (STATE, checkpoint.state)):
        file = TensorFile(apart(tensors), about)
        _write_file(folder / name, file.to_bytes())
        checksums[name] = file.checksum
    values = {"trial": checkpoint.trial, "curve": checkpoint.curve, "files": checksums}
    numbers = strict_json.dumps(checkpoint.progress.to_values() | values)
    _write_file(folder / NUMBERS, strict_json.seal(numbers).encode())
    bring_to_disk(folder)


def _write_file(path: Path, content: bytes) -> None:
    with opened_durably(path, "wb") as file:
        file.write(content)


def _read(folder: Path, trial: str) -> Checkpoint:
    numbers = folder / NUMBERS
    try:
        values = strict_json.unseal(numbers.read_bytes())
        progress = Progress.from_values(values)
        found, curve, checksums = str(values["trial"]), str(values["curve"]), dict(values["files"])
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise SweeperError(f"{numbers}: cannot be read ({error.strerror})") from error
    except (LookupError, OverflowError, TypeError, ValueError) as error:
        raise SweeperError(f"{numbers}: is damaged ({' '.join(str(error).split())})") from error
    if found != trial:
        raise SweeperError(f"{numbers}: is of another trial")
    weights, state = (_read_part(folder / name, checksums.get(name)) for name in (WEIGHTS, STATE))
    return Checkpoint(trial, weights, state, progress, curve)


def _read_part(path: Path, checksum: object) -> Mapping[str, Tensor]:
    file = TensorFile.read(path)
    if file.checksum != checksum:
        raise SweeperError(f"{path}: does not belong to {NUMBERS} beside it")
    return file.tensors
