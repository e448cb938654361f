"""Kill a sweep at random moments, go on with it until it has finished, and compare it with one that was left alone.

``python tests/torture/torture.py --kills 20 --seed 0``; exits with 1 where anything differs.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from moments import Expected, Target, draw_plans
from ordeal import Ordeal, Struck
from sameness import differences, swept
from subject import Size, Subject

LONG = Size(trials=14, epochs=12)
"""With two finals for each arm, 18 trials of all states."""


@dataclass(frozen=True)
class Outcome:
    """What came of a sweep that was killed."""

    ordeal: Ordeal
    seconds: float
    differences: dict[str, list[str]]

    @property
    def same(self) -> bool:
        """Whether nothing tells it from the sweep that was not killed, and nothing went wrong on the way."""
        return not self.ordeal.faults and not any(self.differences.values())


def whole_sweep(place: Path, size: Size) -> tuple[Subject, Expected]:
    """Run the sweep without a kill."""
    subject, began = Subject(place, "whole", size), datetime.now()
    ordeal = Ordeal(subject, [], Expected(0, 0, 0))
    seconds = ordeal.undergo(_tell)
    if ordeal.faults:
        raise RuntimeError("\n".join(ordeal.faults))
    first = min(record.started for record in swept(subject.home).records if record.started)
    return subject, Expected(seconds, (first - began).total_seconds(), ordeal.sight.lines)


def killed_sweep(
    whole: Subject, expected: Expected, name: str, seed: int, kills: int, target: Target | Literal["any"]
) -> Outcome:
    """Run the same sweep with kills drawn from ``seed``."""
    subject = Subject(whole.place, name, whole.size)
    ordeal = Ordeal(subject, draw_plans(seed, kills, target), expected)
    seconds = ordeal.undergo(_tell)
    return Outcome(ordeal, seconds, differences(swept(whole.home), swept(subject.home)))


def _tell(struck: Struck) -> None:
    print(f"{struck.seconds:7.1f} s  {struck.target} killed {struck.moment}: {struck.running}", flush=True)


def report(outcome: Outcome) -> Iterator[str]:
    """Yield the table of a sweep's kills and what differs, line by line."""
    yield f"{'kill':>4}  {'at':>8}  {'target':6}  {'moment':16}  {'recovered':>9}  {'gone':>7}  what was running"
    for number, struck in enumerate(outcome.ordeal.kills, start=1):
        yield (
            f"{number:4}  {struck.seconds:6.1f} s  {struck.target:6}  {struck.moment:16}  "
            f"{_seconds(struck.recovered):>9}  {_seconds(struck.gone):>7}  {struck.running}"
        )
    if outcome.ordeal.synchronised:
        yield "sweeper sync was needed at the end"
    yield from (f"FAULT {fault}" for fault in outcome.ordeal.faults)
    for aspect, lines in outcome.differences.items():
        yield from (f"DIFFERS {aspect}: {line}" for line in lines)
    verdict = "the same as the sweep that was left alone" if outcome.same else "NOT the same"
    yield f"{len(outcome.ordeal.kills)} kills, {outcome.seconds:.1f} s: {verdict}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} s"


def torture(place: Path, kills: int, seed: int, target: Target | Literal["any"]) -> bool:
    """Kill sweep after sweep until so many kills are made; return whether all came to the same."""
    whole, expected = whole_sweep(place, LONG)
    print(f"left alone: {expected.seconds:.1f} s, {expected.startup:.1f} s of them before its first trial", flush=True)
    same, made, number = True, 0, 0
    while made < kills:
        number += 1
        outcome = killed_sweep(whole, expected, f"killed-{number}", seed + number - 1, kills - made, target)
        print("\n".join(report(outcome)), flush=True)
        made += len(outcome.ordeal.kills)
        same = same and outcome.same
    return same


def main(words: Sequence[str] | None = None) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of targets and moments; the next sweep has the next one")
    parser.add_argument("--target", choices=[*get_args(Target), "any"], default="any")
    parser.add_argument("--keep", action="store_true", help="keep the sweeps' folders, and say where they are")
    options = parser.parse_args(words)
    place = Path(tempfile.mkdtemp(prefix="sweeper-torture-"))
    os.environ["SWEEPER_CACHE"] = str(place / "cache")
    try:
        same = torture(place, options.kills, options.seed, options.target)
    finally:
        if options.keep:
            print(f"kept in {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
