"""Steps of a longer way: where one fails, one line says which, why and what to do; all output goes to a log."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from sweeper.errors import SweeperError
from sweeper.masking import mask

T = TypeVar("T")

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NOISE = re.compile(
    r"\W*$"
    r"|\[notice\]"
    r"|(Shared )?[Cc]onnection to \S+ closed|logout$|mesg: |bash: (cannot set terminal|no job control)"
    r"|Warning: Permanently added"
    r"|\S+ \S+\s+INFO node_provider"
)
"""What comes after the reason: ends of connections, hints, notes of Ray's launcher."""
_LAUNCHER_GIVES_UP = "New status: update-failed"
"""What Ray's launcher says before a traceback of its own, which has no reason in it."""
_SHORTEST = 8
"""Characters of a secret: what is shorter is a switch with an unlucky name, such as TOKENIZERS_PARALLELISM."""


@dataclass(frozen=True)
class Step:
    """A command to run."""

    name: str
    """What it does, as an order: ``start Ray on the head``."""
    command: tuple[str, ...]
    remedy: str
    """What to do where it fails; every step may be run again."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What it finds besides our own environment."""
    content: bytes = b""
    """What it reads."""
    folder: Path | None = None
    """Where it runs; ``None`` for where we are."""


class StepError(SweeperError):
    """A step has failed."""


class Runner:
    """Runs steps; their output goes to a log, without the secrets."""

    def __init__(self, log: Path, say: Callable[[str], None], secrets: Sequence[str] = ()) -> None:
        """Write to ``log``, which nobody else may read, and tell by ``say`` what begins."""
        self._log = log
        self._say = say
        self._secrets = (*secrets, *_secrets_of_the_environment())

    def say(self, text: str) -> None:
        """Tell whoever called the command."""
        self._say(self._masked(text))

    def do(self, name: str, function: Callable[[], T]) -> T:
        """Take a step of our own, say so, and return what it returns; raise StepError where it fails."""
        self.say(name)
        try:
            return function()
        except SweeperError as error:
            raise StepError(f"{name}: {error}; put that right, then run the same command again") from error

    def run(self, step: Step) -> str:
        """Run a step, say so, and return what it printed.

        Raises:
            StepError: it cannot be run, or ends with another code than 0.

        """
        self.say(step.name)
        return self.ask(step)

    def ask(self, step: Step) -> str:
        """Run a step without a word."""
        lines: list[str] = []
        try:
            code = self._communicate(step, lines)
        except OSError as error:
            raise self.failed(step, f"{step.command[0]}: {error.strerror}") from error
        if code:
            raise self.failed(step, reason(lines) or f"{Path(step.command[0]).name} ended with code {code}")
        return "\n".join(lines)

    def failed(self, step: Step, why: str) -> StepError:
        """Return the error that says what failed, why, and what to do."""
        return StepError(f"{step.name}: {self._masked(why)}; {step.remedy} (all that was printed: {self._log})")

    def _communicate(self, step: Step, lines: list[str]) -> int:
        with tempfile.TemporaryFile() as content:
            content.write(step.content)
            content.seek(0)
            with subprocess.Popen(  # noqa: S603 -- its arguments are ours, and no shell reads them
                step.command,
                stdin=content,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                env=os.environ | step.environment,
                cwd=step.folder,
            ) as process:
                try:
                    for line in self._printed(process):
                        lines.append(line)
                        self._note(step, line)
                except BaseException:  # Ctrl-C, above all: nothing goes on behind our back.
                    process.terminate()
                    raise
        return process.returncode

    def _printed(self, process: subprocess.Popen[str]) -> Iterator[str]:
        for line in process.stdout or ():
            yield self._masked(_COLOUR.sub("", line).rstrip())

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return mask(text)

    def _note(self, step: Step, line: str) -> None:
        """Write a line of a step, which says whose it is: steps run side by side."""
        descriptor = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "a") as log:
            log.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {step.name}: {line}\n")


def reason(lines: Sequence[str]) -> str | None:
    """Return the last line that says something; ``None`` where there is none."""
    said = [*takewhile(lambda line: _LAUNCHER_GIVES_UP not in line, lines)]
    return next((line.strip().rstrip(".") for line in reversed(said) if not _NOISE.match(line.strip())), None)


def _secrets_of_the_environment() -> Iterator[str]:
    secret = re.compile(r"SECRET|PASSWORD|TOKEN")
    return (value for name, value in os.environ.items() if secret.search(name) and len(value) >= _SHORTEST)
