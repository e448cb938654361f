"""Trials side by side on one device, each in a process of its own, as they are in a sweep."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from sweeper.errors import SweeperError
from sweeper.training.probe import DoesNotFitError, Load

REHEARSAL = "sweeper.training.rehearsal"
"""The module that each process runs."""


@dataclass(frozen=True)
class SideBySide:
    """The device of this process (see `probe.Device`), loaded with trials of one configuration."""

    config: Mapping[str, Any]
    metric: str
    k: int
    device: str
    threads: int
    data_dir: Path | None
    seconds: float = 3.0
    """For so long steps are counted."""

    def load(self, trials: int) -> Load:
        """Train so many trials at once, all of which begin when the last one is ready."""
        with ExitStack() as stack:
            processes = [stack.enter_context(_Rehearsing(self._told(trials))) for _ in range(trials)]
            for process in processes:
                process.answer()
            for process in processes:
                process.tell("begin")
            found = [process.answer() for process in processes]
        return Load(
            rate=sum(one["rate"] for one in found),
            memory=max(one["memory"] for one in found),
            total=found[0]["total"],
        )

    def _told(self, trials: int) -> str:
        """Return what a process is told, as one line."""
        data_dir = None if self.data_dir is None else str(self.data_dir)
        told = {**vars(self), "config": dict(self.config), "data_dir": data_dir, "gpu_share": 1 / trials}
        return json.dumps(told)


class _Rehearsing:
    """A process that trains, and answers each line that it is told by one of JSON."""

    def __init__(self, told: str) -> None:
        self._errors = TemporaryFile("w+")  # noqa: SIM115 -- closed with the process
        self._process: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603 -- our own module by our own interpreter
            [sys.executable, "-m", REHEARSAL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.tell(told)

    def __enter__(self) -> "_Rehearsing":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def tell(self, line: str) -> None:
        """Write a line to the process; where it has died, its next answer says so."""
        with suppress(BrokenPipeError):
            print(line, file=self._process.stdin, flush=True)

    @property
    def _last(self) -> str:
        """The last line that the process wrote beside its answers."""
        self._errors.seek(0)
        return (self._errors.read().splitlines() or [""])[-1]

    def answer(self) -> dict[str, Any]:
        """Return the next answer; raise what kept the process from giving one."""
        if not (line := (self._process.stdout or StringIO()).readline()):
            raise SweeperError(f"a process that was to train ended with exit code {self._process.wait()}: {self._last}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise (DoesNotFitError if answer["out_of_memory"] else SweeperError)(answer["error"])
        return answer
