"""Data sets that stay loaded for as long as the worker process lives."""

from functools import lru_cache
from pathlib import Path

import torch

from sweeper.training.data.files import data_folder
from sweeper.training.data.images import Dataset, Images

# Trials of one sweep use one data set, rarely a few that differ in a field. More would only fill the device's memory.
CAPACITY = 4


def resident(dataset: Dataset, data_dir: Path | None, device: torch.device | str) -> Images:
    """Return the data set in the memory of `device`, loaded by the first call in this process and shared by later ones.

    Raises:
        UsageError: as `Dataset.load`; nothing is kept then, and the next call tries again.

    """
    return _loaded(dataset, data_folder(data_dir), torch.device(device))


@lru_cache(maxsize=CAPACITY)
def _loaded(dataset: Dataset, folder: Path, device: torch.device) -> Images:
    return dataset.load(folder).to(device)
