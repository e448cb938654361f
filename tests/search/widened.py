"""Sweeps that are left in the middle, and wider files for them."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from support.sweeps import quality

from sweeper.search import Report, Sweep
from sweeper.search.history import record_spec
from sweeper.spec import Spec, parse_spec

NOW = datetime(2025, 11, 21, 12)


def quick_disk() -> Iterator[None]:
    """Make an autouse fixture of this: no journal of a test has to survive a power cut."""
    with patch("os.fsync"):
        yield


def changed(spec: Spec, *overrides: str) -> Spec:
    """Return a specification with other values."""
    return parse_spec(spec.to_yaml(), "wide.yaml", overrides)


def begin(folder: Path, spec: Spec) -> Path:
    """Make a sweep's folder as the command line does."""
    folder.mkdir(exist_ok=True)
    (folder / "sweep.yaml").write_text(spec.to_yaml())
    record_spec(folder, spec)
    return folder


def leave_in_the_middle(spec: Spec, folder: Path, trials: int) -> list[int]:
    """Run so many trials to their end and two more, one in each arm, through one epoch; return the numbers of those."""
    sweep = Sweep(spec, folder, workers=2)
    for _ in range(trials):
        tell(sweep, spec, sweep.next().number, range(1, 10))
    running = [sweep.next().number for _ in range(2)]
    for number in running:
        tell(sweep, spec, number, [1])
    return running


def tell(sweep: Sweep, spec: Spec, number: int, epochs: Any) -> None:
    (config,) = [record.config for record in sweep.records() if record.number == number]
    for epoch in epochs:
        value = quality(config, 0, epoch)
        report = Report(epoch, epoch * 1000, value, done=epoch == config["training"]["epochs"])
        if sweep.report(number, report).value == "stop":
            break
