"""Calls of `sweeper` and what they come to; a small sweep file to call it with."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SMALL = """\
name: small
data: {name: digits}
model:
  name: vae
  latent_dim: {choice: [2, 4]}
  likelihood: bernoulli
  backbone:
    choose:
      fc: {hidden: 16}
      conv: {channels: 4, layers: 1}
objective: {name: iwae, k: {choice: [1, 5]}}
training:
  epochs: 2
  batch_size: 64
  optimizer: {name: adam, lr: {float: [1e-3, 1e-2], log: true}}
sweep: {arms: model.backbone, trials: 4, stopping: none, finals: none}
"""

SWEEP = """\
name: small
question: Does a small sweep hold what it promises?
data: {name: digits}
model:
  name: vae
  latent_dim: {choice: [2, 4]}
  backbone:
    choose:
      fc: {hidden: {int: [8, 32], log: true}}
      conv: {channels: 4, layers: 1}
objective: {name: "fragile:Fragile", breaks: {choice: [false, true]}}
training:
  epochs: 3
  batch_size: 128
  optimizer: {name: adam, lr: {float: [1e-3, 1e-2], log: true}}
sweep:
  arms: model.backbone
  trials: 8
  seed: 4
  stopping: {name: asha, grace: 1, factor: 2}
  finals: {top: 1, seeds: 2}
  evaluation: {k: 5, final_k: 50}
  workers: 1
"""
"""Small, and yet with trials that complete, are pruned and fail in both arms."""

CONSOLE_SCRIPT = Path(sys.executable).with_name("sweeper")


@dataclass(frozen=True)
class Ended:
    """How a call of `sweeper` ended."""

    code: int
    out: str
    err: str


Sweeper = Callable[..., Ended]


def call_console_script(*words: str, cwd: Path, timeout: float = 300) -> Ended:
    """Call the installed command in a process of its own."""
    command = [CONSOLE_SCRIPT, *words]
    run = subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False, timeout=timeout
    )
    return Ended(run.returncode, run.stdout, run.stderr)


def interrupt_console_script(*words: str, cwd: Path, at: str, timeout: float = 300) -> Ended:
    """Call the installed command, and press Ctrl-C when it prints a line with ``at`` in it.

    As from a terminal, the signal goes to all processes of the command's group.
    """
    return disturb_console_script(
        *words, cwd=cwd, at=at, disturb=lambda process: os.killpg(process.pid, signal.SIGINT), timeout=timeout
    )


def disturb_console_script(
    *words: str, cwd: Path, at: str, disturb: Callable[[subprocess.Popen[str]], None], timeout: float = 300
) -> Ended:
    """Call the installed command, and do something to it when it first prints a line with ``at`` in it."""
    errors = cwd / "disturbed.stderr"
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            [CONSOLE_SCRIPT, *words],
            cwd=cwd,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            process_group=0,
        ) as process,
    ):
        watchdog = threading.Timer(timeout, process.kill)
        watchdog.start()
        out = "".join(_disturbed(process, at, disturb))
        watchdog.cancel()
    return Ended(process.returncode, out, errors.read_text())


def _disturbed(
    process: subprocess.Popen[str], at: str, disturb: Callable[[subprocess.Popen[str]], None]
) -> Iterator[str]:
    undisturbed = True
    for line in process.stdout or ():
        if undisturbed and at in line:
            disturb(process)
            undisturbed = False
        yield line


def environment() -> dict[str, str]:
    """Return the environment without what is ours, and with the modules of this folder in the import path."""
    ours = ("SWEEPER_HOME", "SWEEPER_DATA", "MLFLOW_TRACKING_URI")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"PYTHONPATH": str(Path(__file__).parent)}


def check_complaint(ended: Ended, code: int = 2) -> str:
    """Check that a call failed with one line for the user and nothing else; return the line."""
    assert ended.code == code, ended
    assert ended.err.startswith("error: ")
    assert len(ended.err.splitlines()) == 1, ended.err
    assert "Traceback" not in ended.err
    assert ended.out == ""
    return ended.err


def contents(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder by path, with what is in the files."""
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
