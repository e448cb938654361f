"""What every benchmark prints: one line of JSON for machines, one table for people, and an exit code."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any, Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Measured:
    """One way of doing the work, measured once per round."""

    name: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.samples)


@dataclass(frozen=True)
class Promise:
    """A figure, and the bound that it must keep."""

    what: str
    value: float
    rule: Literal["at least", "at most"]
    bound: float

    @property
    def kept(self) -> bool:
        return self.value >= self.bound if self.rule == "at least" else self.value <= self.bound


def paired_ratio(numerator: Measured, denominator: Measured) -> float:
    """Return the median of the rounds' ratios: both sides of a round met about the same load of the machine."""
    return median(one / other for one, other in zip(numerator.samples, denominator.samples, strict=True))


def announce(
    benchmark: str, unit: str, measured: Sequence[Measured], baseline: Measured, promises: Sequence[Promise]
) -> int:
    """Print the outcome; return the exit code, 1 where a promise is not kept."""
    print(json.dumps(_as_json(benchmark, unit, measured, baseline, promises)))
    console = Console(width=120)
    console.print(_measured_table(benchmark, unit, measured, baseline))
    for promise in promises:
        verdict = "kept" if promise.kept else "MISSED"
        console.print(f"{verdict}: {promise.what}: {promise.value:.3g}, must be {promise.rule} {promise.bound:g}")
    return 0 if all(promise.kept for promise in promises) else 1


def _as_json(
    benchmark: str, unit: str, measured: Sequence[Measured], baseline: Measured, promises: Sequence[Promise]
) -> dict[str, Any]:
    return {
        "benchmark": benchmark,
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": [round(load, 2) for load in os.getloadavg()],
        "unit": unit,
        "baseline": baseline.name,
        "measured": [
            {"name": one.name, "median": one.median, "ratio": paired_ratio(one, baseline), "samples": one.samples}
            for one in measured
        ],
        "promises": [vars(promise) | {"kept": promise.kept} for promise in promises],
    }


def _measured_table(benchmark: str, unit: str, measured: Sequence[Measured], baseline: Measured) -> Table:
    table = Table("", f"median, {unit}", "lowest", "highest", f"ratio to {baseline.name}", title=benchmark)
    for one in measured:
        figures = (one.median, min(one.samples), max(one.samples), paired_ratio(one, baseline))
        table.add_row(one.name, *(f"{figure:,.4g}" for figure in figures))
    return table
