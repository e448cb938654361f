"""A sweep whose trials cost nothing: what is left is the system around them."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweeper.execution.ownership import owned
from sweeper.execution.runner import run_sweep
from sweeper.execution.site import Site
from sweeper.search import Assignment, Decision, Report
from sweeper.spec import Spec, parse_spec
from sweeper.training.job import RunFactory
from sweeper.training.simulated import Simulation

_SWEEP = """
name: no-op
data: {name: digits}
model:
  name: vae
  latent_dim: {choice: [2, 4, 8, 16, 32]}
  backbone:
    choose:
      fc:   {hidden: {int: [32, 256], log: true}, norm: {choice: [none, batch]}}
      conv: {channels: {int: [8, 32], log: true}, norm: {choice: [none, batch]}}
objective: {name: iwae, k: {choice: [1, 5, 10]}}
training:
  epochs: 1
  batch_size: 64
  optimizer: {name: adam, lr: {float: [1e-4, 1e-2], log: true}}
sweep:
  arms: model.backbone
  finals: null
  stopping: {name: asha, grace: 1, factor: 3}
  evaluation: {every: 1, images: null}
"""


@dataclass
class Stopwatch:
    """A listener that remembers the moments of a sweep."""

    begun_at: list[float] = field(default_factory=list)
    reported_at: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """From the first trial begun to the last result taken in."""
        return self.reported_at[-1] - self.begun_at[0]

    def begun(self, assignment: Assignment) -> None:
        self.begun_at.append(time.perf_counter())

    def reported(self, assignment: Assignment, report: Report, decision: Decision) -> None:
        self.reported_at.append(time.perf_counter())

    def failed(self, assignment: Assignment, reason: str) -> None:
        raise RuntimeError(f"trial {assignment.number} failed: {reason}")

    def told(self, message: str) -> None:
        print(message, file=sys.stderr)

    def warned(self, message: str) -> None:
        print(f"warning: {message}", file=sys.stderr)


def no_op_spec(trials: int, epochs: int = 1, seed: int = 0, search: str = "tpe") -> Spec:
    changed = {"sweep.trials": trials, "training.epochs": epochs, "sweep.seed": seed, "sweep.search": search}
    return parse_spec(_SWEEP, overrides=tuple(f"{path}={value}" for path, value in changed.items()))


def quality(config: dict[str, Any], seed: int, epoch: int) -> float:
    """Return a made-up loss, so that the sampler has something to model."""
    return abs(config["training"]["optimizer"]["lr"] - 1e-3) * 1e3 + seed % 1000 / 1000 + 10 / epoch


NO_OP = Simulation(quality)


def run(spec: Spec, folder: Path, tracking_uri: str | None, factory: RunFactory = NO_OP) -> Stopwatch:
    """Run the sweep through the production system in a new folder."""
    (folder / "trials").mkdir(parents=True)
    (folder / "sweep.yaml").write_text(spec.to_yaml())
    watch = Stopwatch()
    site = Site(folder, data_dir=folder, address=None, tracking_uri=tracking_uri)
    with owned(folder) as ownership:
        if not run_sweep(spec, site, factory, watch, lambda: None, ownership):
            raise RuntimeError("the sweep was interrupted")
    return watch
