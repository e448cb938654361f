"""The sweep that is killed, and the commands that begin it and go on with it."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

sys.path.append(str(Path(__file__).parents[1] / "cli"))

from calling import CONSOLE_SCRIPT, SWEEP, environment
from living import MIRROR, WORKER, Living, kill, marked
from moments import Target

FILE = "sweep.yaml"


@dataclass(frozen=True)
class Size:
    """How long the sweep is: for continuous integration, or for an evening."""

    trials: int
    epochs: int

    @property
    def settings(self) -> Sequence[str]:
        """The words of the command line that say so."""
        return "--set", f"sweep.trials={self.trials}", "--set", f"training.epochs={self.epochs}"


@dataclass(frozen=True)
class Subject:
    """A sweep in a home of its own; the same file, seed and one worker in every home."""

    place: Path
    """The folder to call `sweeper` in."""
    name: str
    size: Size
    calls: list["Call"] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.place / self.name

    def begin(self) -> "Call":
        (self.place / FILE).write_text(SWEEP)
        return self._call("run", FILE, *self.size.settings)

    def go_on(self) -> "Call":
        return self._call("resume", "latest")

    def sync(self) -> "Call":
        return self._call("sync", "latest")

    def _call(self, *words: str) -> "Call":
        output = self.place / f"{self.name}.calls" / f"{len(self.calls):02d}-{words[0]}.txt"
        output.parent.mkdir(exist_ok=True)
        call = Call(self.place, [*words, "--home", self.name], output)
        self.calls.append(call)
        return call


class Call:
    """A command at work, with all the processes that it has started."""

    def __init__(self, place: Path, words: Sequence[str], output: Path) -> None:
        self.words = " ".join(words)
        self.output = output
        self.living = Living(uuid4().hex)
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                [CONSOLE_SCRIPT, *words],
                cwd=place,
                env=marked(environment() | {"OMP_NUM_THREADS": "1"}, self.living.mark),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def code(self) -> int | None:
        """The exit code, ``None`` while it runs."""
        return self._process.poll()

    @property
    def said(self) -> str:
        """What it has printed."""
        return self.output.read_text(errors="replace")

    def victim(self, target: Target) -> int | None:
        """Return the process to kill, ``None`` where it does not live now."""
        if target == "driver":
            return self._process.pid if self.code is None else None
        return self.living.of(WORKER if target == "worker" else MIRROR)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the command itself to end; return its exit code."""
        return self._process.wait(timeout)

    def end(self) -> None:
        """Kill whatever of it lives."""
        self._process.kill()
        self.wait()
        for process in self.living.all():
            kill(process, SIGKILL)
