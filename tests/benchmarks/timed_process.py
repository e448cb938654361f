"""Whole processes, timed from their start to their exit, and the work of the sweeps that they ran."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sweeper.search import TrialRecord, read_records

SWEEPER = str(Path(sys.executable).with_name("sweeper"))
SWEEP_FILE = str(Path(__file__).with_name("whole_sweep.yaml"))


def timed(name: str, command: Sequence[str]) -> tuple[float, str]:
    """Run a command; return its seconds from start to exit, and what it printed."""
    started = time.perf_counter()
    ended = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False
    )
    seconds = time.perf_counter() - started
    if ended.returncode:
        raise RuntimeError(f"{name} failed:\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}")
    return seconds, ended.stdout


def records_of(home: Path) -> list[TrialRecord]:
    """Return the trials of the only sweep of a home."""
    (journal,) = home.glob("*/study.journal")
    return read_records(journal.parent)


def epochs_of(records: Sequence[TrialRecord]) -> int:
    """Return how many epochs trials were trained for, of which there is a value."""
    return sum(len(record.curve) for record in records)


def note(name: str, seconds: float, epochs: int) -> None:
    """Tell whoever waits for the rest what one process took."""
    print(f"{name}: {seconds:.1f} s, {epochs} epochs, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
