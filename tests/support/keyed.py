"""Sweeps that ended at once, in which every trial says how it was measured: journals as a driver writes them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from support.sweeps import make_spec, quality
from sweeper.comparability import Key
from sweeper.search import Assignment, Report, Sweep
from sweeper.spec import Spec

BOUND = Key("digits", "val, all", "dynamic", "bernoulli", "", "importance-weighted bound", "100")
DISTANCE = Key("digits", "val, all", "black and white", "", "", "features, version 1", "")

KeysOf = Callable[[Assignment], dict[str, Key]]


def keys(*, k: str = "100", final_k: str = "5000", images: str = "all", **parts: str) -> dict[str, Key]:
    """Return the keys of a VAE; keywords change those of its bound, ``grey`` and ``version`` those of its distance."""
    binarization, version = parts.pop("grey", "black and white"), parts.pop("version", "1")
    shared_by_all = {part: value for part, value in parts.items() if part == "data"}
    bound = replace(BOUND, k=k, **parts)
    distance = replace(DISTANCE, binarization=binarization, estimator=f"features, version {version}", **shared_by_all)
    return {
        "val/nll": bound,
        "val/fld": distance,
        "test/nll": replace(bound, k=final_k, images=f"test, {images}"),
        "test/fld": replace(distance, images=f"test, {images}"),
    }


def sweep_in(folder: Path, of: KeysOf | dict[str, Key], spec: Spec | None = None, **settings: Any) -> Path:
    """Run a sweep in a new folder to its end; each trial has the keys that ``of`` gives it. Return the folder."""
    spec = spec or make_spec(1, **{"trials": 4, "stopping": "none", **settings})
    folder.mkdir(parents=True)
    (folder / "sweep.yaml").write_text(spec.to_yaml())
    with patch("os.fsync"):  # No journal of a test has to survive a power cut.
        sweep = Sweep(spec, folder, workers=1)
        while (assignment := sweep.next()) is not None:
            sweep.report(assignment.number, _report(assignment, spec, of(assignment) if callable(of) else of))
    return folder


def _report(assignment: Assignment, spec: Spec, found: dict[str, Key]) -> Report:
    metric, final = spec.settings.metric, assignment.phase == "finals"
    value = quality(assignment.config, assignment.seed, 1)
    test = {"test/" + metric.removeprefix("val/"): value + 0.1} if final else {}
    told = {name: key for name, key in found.items() if final or name.startswith("val/")}
    return Report(1, 1000, value, done=True, test=test, measured={metric: value}, keys=told)
