"""Mounts that a test makes for itself alone, in a namespace that ends with the test's process."""

import subprocess
import sys
from pathlib import Path

import pytest


def skip_without_mounts() -> None:
    """Skip the test where this machine lets nobody but its administrator mount."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine allows no namespaces with mounts of one's own (unshare -rm)")


def run_mounted(mount: str, script: str, *words: str | Path, cwd: Path, timeout: float = 120) -> str:
    """Run a Python script with words after a shell command has mounted something for it; return what it prints."""
    skip_without_mounts()
    command = ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", script, *words]
    ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=timeout)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
