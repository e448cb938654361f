"""The folder of what is computed or fetched once: whatever is in it may be removed, and nothing is lost."""

import os
from pathlib import Path

DEFAULT_FOLDER = Path("~/.cache/sweeper")


def cache_folder() -> Path:
    """Return that folder: the environment's SWEEPER_CACHE, else ~/.cache/sweeper."""
    return Path(os.environ.get("SWEEPER_CACHE") or DEFAULT_FOLDER).expanduser().absolute()
