"""What a whole sweep costs: processes timed from their start to their exit, imports and shut-down included.

The same search (`whole_sweep.yaml`) by `sweeper run`, by Ray Tune as its documentation has it, and by Optuna alone.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from scoreboard import Measured, Promise, announce, paired_ratio
from timed_process import SWEEP_FILE, SWEEPER, epochs_of, note, records_of, timed

HERE = Path(__file__).parent
TRIALS = 24

PYTHON = sys.executable

CONTENDERS: Mapping[str, tuple[str, ...]] = {
    "sweeper": (SWEEPER, "run", SWEEP_FILE, "--home"),
    "Optuna alone": (PYTHON, str(HERE / "with_optuna.py")),
    "Ray Tune, reuse_actors": (PYTHON, str(HERE / "with_ray_tune.py"), "--reuse-actors"),
    "Ray Tune": (PYTHON, str(HERE / "with_ray_tune.py")),
}
"""The command lines, each followed by the folder to work in."""


def whole_process(name: str, folder: Path) -> float:
    """Run a contender in ``folder``; return its seconds from start to exit, after checking that it did the work."""
    seconds, printed = timed(name, [*CONTENDERS[name], str(folder)])
    trials, epochs = _work_of_ours(folder) if name == "sweeper" else _work_told(printed)
    if trials != TRIALS:
        raise RuntimeError(f"{name} ran {trials} trials, not {TRIALS}")
    note(name, seconds, epochs)
    return seconds


def _work_of_ours(home: Path) -> tuple[int, int]:
    records = records_of(home)
    return sum(record.finished for record in records), epochs_of(records)


def _work_told(output: str) -> tuple[int, int]:
    told = re.search(r"trials=(\d+) epochs=(\d+)", output)
    if told is None:
        raise RuntimeError(f"no count of trials and epochs in:\n{output[-3000:]}")
    return int(told[1]), int(told[2])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=list(CONTENDERS), default=list(CONTENDERS))
    arguments = parser.parse_args()
    samples: dict[str, list[float]] = {name: [] for name in CONTENDERS if name in arguments.only}
    for _ in range(arguments.rounds):
        for name, seconds in samples.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds.append(whole_process(name, Path(folder)))
    measured = {name: Measured(name, tuple(seconds)) for name, seconds in samples.items()}
    baseline = next(iter(measured.values()))
    return announce("whole sweep", "s", list(measured.values()), baseline, _promises(measured))


def _promises(measured: Mapping[str, Measured]) -> list[Promise]:
    bounds = {"Optuna alone": 1.0, "Ray Tune": 4.0}
    return [
        Promise(f"times faster than {name}", paired_ratio(measured[name], measured["sweeper"]), "at least", bound)
        for name, bound in bounds.items()
        if {name, "sweeper"} <= measured.keys()
    ]


if __name__ == "__main__":
    sys.exit(main())
