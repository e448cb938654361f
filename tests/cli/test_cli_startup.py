"""Protects the start of the command line: help imports nothing slow, so that it answers at once."""

import subprocess
import sys

import pytest
from calling import CONSOLE_SCRIPT

SLOW = {"torch", "torchvision", "ray", "mlflow", "optuna", "numpy", "scipy", "sklearn", "pandas", "matplotlib"}
SWEEPS = (
    *("run", "resume", "check", "list", "show", "compare", "export", "train", "evaluate", "sync", "prune", "ui"),
    "models",
)
PICTURES = ("sample", "reconstruct", "interpolate", "complete", "blend", "restyle", "scatter", "variance")
CLUSTER = ("up", "status", "submit", "logs", "attach", "tunnel", "down", "cost")
COMMANDS = (*SWEEPS, *PICTURES, "cluster")


def answered(*words: str) -> tuple[str, set[str]]:
    """Return what the installed command prints, and the packages that it imports for that."""
    command = [sys.executable, "-X", "importtime", CONSOLE_SCRIPT, *words]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    modules = [line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")]
    return run.stdout, {module.partition(".")[0] for module in modules}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        [],
        *([command, "--help"] for command in COMMANDS),
        *(["cluster", command, "--help"] for command in CLUSTER),
    ],
    ids=" ".join,
)
def test_help_imports_nothing_slow(words: list[str]) -> None:
    printed, imported = answered(*words)
    assert printed.startswith("Usage: sweeper")
    assert "typer" in imported, "the import times were not understood"
    assert imported & SLOW == set()


def test_help_names_every_command() -> None:
    printed, imported = answered("--help")
    assert "pydantic" not in imported  # Typer itself imports it to parse a command's options, not to name commands.
    lines = printed.partition("Commands:")[2].splitlines()
    assert [line.split()[0] for line in lines if line.strip()] == list(COMMANDS)
