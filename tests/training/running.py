"""Trials run to their end, and what of two runs must be the same."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from sweeper.training.job import EpochResult, Job
from sweeper.training.trial import Trial

EPOCHS = 3
CLOCKS = ("images_per_second", "evaluation_share", "memory/resident")


def run(job: Job, epochs: int = EPOCHS) -> list[EpochResult]:
    trial = Trial(job)
    results = [trial.advance() for _ in range(epochs)]
    trial.close()
    return results


def measured(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in CLOCKS}


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def tensors(folder: Path) -> dict[str, Tensor]:
    """Everything that a trial's checkpoints hold: weights, moments, generators, the rest of the order."""
    return {
        f"{path.relative_to(folder)}:{name}": value
        for path in sorted(folder.rglob("*.safetensors"))
        for name, value in load_file(path).items()
    }


def names_of_pictures(folder: Path) -> list[str]:
    """The pictures in a trial's folder but those of epochs, of which there are as many as there was time for."""
    return sorted(path.name for path in folder.glob("*.png"))


def assert_same(found: Path, expected: Path) -> None:
    left, right = tensors(found), tensors(expected)
    assert left.keys() == right.keys()
    differing = [name for name in left if not left[name].equal(right[name])]
    assert differing == []
    for mine, other in zip(lines(found), lines(expected), strict=True):
        assert mine["epoch"] == other["epoch"]
        assert mine["images"] == other["images"]
        assert measured(mine["metrics"]) == measured(other["metrics"])
    pictures = names_of_pictures(expected)
    assert names_of_pictures(found) == pictures
    for name in (*pictures, "config.yaml"):
        assert (found / name).read_bytes() == (expected / name).read_bytes()
