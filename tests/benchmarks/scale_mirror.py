"""What a round of MLflow's mirror takes as a sweep grows: processor, requests, memory.

A large sweep is simulated once. Its journal is then given to a mirror as it grew, with so many new results for each
round as a sweep brings in the two seconds between two rounds.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from scale import MEMORY, alone
from scoreboard import Measured, Promise, announce
from simulated_sweep import drive, large_spec

sys.path.append(str(Path(__file__).parents[1]))
from support.recorded_mlflow import RecordedMlflow
from support.tracking_server import tracking_server

from sweeper.search.storage import JOURNAL
from sweeper.tracking.mirror import Mirror
from sweeper.tracking.store import connect

ROUNDS = 10
MOST_MILLISECONDS = 200
"""Of processor for a round of the largest sweep, a tenth of the time between two rounds."""
RESULTS = 64
SERVED = 100
"""Trials that are sent to a real server."""


@dataclass(frozen=True)
class Round:
    """A round with a few new results, when so many trials had begun; the median of several."""

    trials: int
    milliseconds: float
    """Of processor."""
    requests: float
    """For each new result."""
    memory: float
    """Most MiB that had been resident by then, those of this benchmark among them."""
    first: float
    """Seconds of processor for all trials at once, as `sweeper sync` sends them."""


def rounds(folder: str, trials: int, results: int) -> Round:
    """Mirror the first ``trials`` of a sweep at once, then as many rounds as give a median."""
    copy, steps = _copied(Path(folder), trials, results)
    client = RecordedMlflow()
    with closing(Mirror(copy, "http://localhost", connect=client.connect)) as mirror:
        first = _timed(mirror, copy / JOURNAL, next(steps))
        _timed(mirror, copy / JOURNAL, b"")  # Trials that have ended are looked at once more.
        before = client.requests.total()
        seconds = [_timed(mirror, copy / JOURNAL, next(steps)) for _ in range(ROUNDS)]
        requests = (client.requests.total() - before) / ROUNDS / results
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Round(trials, 1000 * sorted(seconds)[ROUNDS // 2], requests, memory, first)


def on_server(folder: str, trials: int) -> str:
    """Send the first ``trials`` of a sweep to a real tracking server on this machine; return a line of what it took."""
    copy, steps = _copied(Path(folder), trials, RESULTS)
    with tempfile.TemporaryDirectory() as home, tracking_server(Path(home)) as server:
        client = RecordedMlflow(connect(server.uri))
        with closing(Mirror(copy, server.uri, connect=client.connect)) as mirror:
            began, busy = time.perf_counter(), _processor(server.process_group)
            ours = _timed(mirror, copy / JOURNAL, next(steps))
            seconds, busy = time.perf_counter() - began, _processor(server.process_group) - busy
    requests = client.requests.total()
    wall = f"{trials} trials, {requests} requests, {client.metrics} metrics in {seconds:.1f} s"
    return f"mlflow server: {wall}; processor {1000 * busy / requests:.1f} ms per request there, {ours:.1f} s here"


def _processor(group: int) -> float:
    """Return the seconds of processor that the processes of a group have had."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if int(fields[2]) == group else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def _copied(sweep: Path, trials: int, results: int) -> tuple[Path, Iterator[bytes]]:
    """Return a folder with a sweep's trials and no journal yet, and the journal as it grew."""
    copy = sweep.with_name(f"copy-{trials}-{os.getpid()}")
    copy.mkdir()
    (copy / "trials").symlink_to(sweep / "trials")
    (copy / "sweep.yaml").write_bytes((sweep / "sweep.yaml").read_bytes())
    return copy, _grown(sweep / JOURNAL, trials, results)


def _timed(mirror: Mirror, journal: Path, lines: bytes) -> float:
    with journal.open("ab") as file:
        file.write(lines)
    began = time.process_time()
    if not mirror.synchronise():
        raise RuntimeError(mirror.problem)
    return time.process_time() - began


def _grown(journal: Path, trials: int, results: int) -> Iterator[bytes]:
    """Yield the journal until so many trials have begun, and then with so many results more each time."""
    lines: list[bytes] = []
    begun, told = 0, 0
    for line in journal.open("rb"):
        lines.append(line)
        begun += b'"op_code":4,' in line
        told += b'"op_code":7,' in line
        if b'"more":true' not in line and (begun == trials or (begun > trials and told >= results)):
            yield b"".join(lines)
            lines.clear()
            begun, told = trials + 1, 0


def table(found: Sequence[Round]) -> Table:
    shown = Table("trials", "ms per round", "requests per result", "all at once, s", "peak MiB", title="mirror")
    for one in found:
        times = (f"{one.milliseconds:.0f}", f"{one.requests:.2f}", f"{one.first:.1f}", f"{one.memory:.0f}")
        shown.add_row(f"{one.trials:,}", *times)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 3000, 10000])
    parser.add_argument("--workers", type=int, default=64)
    arguments = parser.parse_args()
    enough = max(arguments.trials) + ROUNDS * RESULTS
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as home:
        folder = Path(home) / "sweep"
        alone(drive, large_spec(enough + enough % 2, "random"), folder, arguments.workers)
        found = [alone(rounds, str(folder), trials, RESULTS) for trials in sorted(arguments.trials)]
        print(alone(on_server, str(folder), SERVED))
    per_result = Measured("mirror", tuple(one.milliseconds / RESULTS for one in found))
    Console(width=120).print(table(found))
    what = f"ms of processor for a round after {found[-1].trials:,} trials"
    promise = Promise(what, found[-1].milliseconds, "at most", MOST_MILLISECONDS)
    return announce("mirror", "ms of processor per result", [per_result], per_result, [promise])


if __name__ == "__main__":
    sys.exit(main())
