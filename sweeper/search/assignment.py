"""What a worker is told to do, and where in the sweep's folder its trial lives."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

Phase = Literal["search", "finals"]


@dataclass(frozen=True)
class Assignment:
    """One trial to train: everything a worker needs, and nothing that depends on the worker."""

    number: int
    arm: str
    phase: Phase
    config: dict[str, Any]
    seed: int
    scale: int = 1
    """How many times the share of `sweep.resources` the trial gets, having run out of memory with less."""

    @property
    def folder(self) -> str:
        """The name of the trial's folder under ``trials/``."""
        return trial_folder(self.number, self.arm, self.config)


def trial_folder(number: int, arm: str, config: dict[str, Any]) -> str:
    """Return ``<nnnn>-<arm>-<hash8>``: sorted by number, told apart by arm, bound to the configuration."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
    return f"{number:04d}-{arm}-{digest[:8]}"
