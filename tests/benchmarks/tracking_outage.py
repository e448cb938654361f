"""What tracking costs a whole sweep, whatever MLflow does: processes timed from their start to their exit.

The same trials untracked, in the home's own store, on a server that answers, on one that is away, and on one that takes
every connection and never says a word. A sweep must not be slower than 0.97 of its speed without tracking.
"""

import argparse
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from scoreboard import Measured, Promise, announce
from timed_process import SWEEP_FILE, SWEEPER, epochs_of, note, records_of, timed

SLOWEST = 0.97
UNTRACKED = "untracked"

# The trials of all contenders are the same: none waits for another's result, and none is stopped by one.
FIXED = ("sweep.search={name: random}", "sweep.stopping=none", "training.epochs=4")


@contextmanager
def server() -> Iterator[str]:
    """A tracking server of its own on this machine, beneath all else: in earnest it is on another."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from support.tracking_server import tracking_server

    with tempfile.TemporaryDirectory() as folder, tracking_server(Path(folder)) as running:
        os.setpriority(os.PRIO_PGRP, running.process_group, 19)
        yield running.uri


@contextmanager
def silence() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def nobody() -> AbstractContextManager[str]:
    """A server that is away."""
    return nullcontext(f"http://127.0.0.1:{_free_port()}")


CONTENDERS: Mapping[str, Callable[[], AbstractContextManager[str | None]]] = {
    UNTRACKED: lambda: nullcontext("none"),
    "home's own store": lambda: nullcontext(None),
    "server": server,
    "server away": nobody,
    "server hanging": silence,
}
"""Each gives the URI to track at; ``None`` is the default."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def whole_sweep(name: str, trials: int) -> float:
    """Run a sweep tracked as ``name`` says; return its seconds from start to exit."""
    with tempfile.TemporaryDirectory() as home, CONTENDERS[name]() as uri:
        values = (f"sweep.trials={trials}", *FIXED)
        changes = [word for value in values for word in ("--set", value)]
        tracking = [] if uri is None else ["--tracking-uri", uri]
        command = [SWEEPER, "run", SWEEP_FILE, "--home", home, *changes, *tracking]
        seconds, _ = timed(name, command)
        epochs = _epochs(Path(home), trials)
    note(name, seconds, epochs)
    return seconds


def _epochs(home: Path, trials: int) -> int:
    complete = [record for record in records_of(home) if record.state == "complete"]
    if len(complete) != trials:
        raise RuntimeError(f"{len(complete)} of {trials} trials completed")
    return epochs_of(complete)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3, help="sweeps of each kind, in turns")
    parser.add_argument("--trials", type=int, default=24, help="of one sweep")
    parser.add_argument("--only", nargs="*", choices=list(CONTENDERS), default=list(CONTENDERS))
    arguments = parser.parse_args()
    samples: dict[str, list[float]] = {name: [] for name in CONTENDERS if name in {UNTRACKED, *arguments.only}}
    for number in range(arguments.pairs):
        # There and back: what drifts with the hour falls on all alike.
        for name in list(samples) if number % 2 == 0 else reversed(samples):
            samples[name].append(whole_sweep(name, arguments.trials))
    measured = [Measured(name, tuple(seconds)) for name, seconds in samples.items()]
    untracked = measured[0]
    promises = [
        Promise(f"speed with {one.name}, of that without", untracked.median / one.median, "at least", SLOWEST)
        for one in measured[1:]
    ]
    return announce("tracking, whole sweep", "s", measured, untracked, promises)


if __name__ == "__main__":
    sys.exit(main())
