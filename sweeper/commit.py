"""The git commit that a sweep is run from: of the checkout that we are in, or of the wheel that is installed."""

import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_BUILT = re.compile(r"\+g(?P<commit>[0-9a-f]{40})$")


def commit_of(folder: Path) -> str | None:
    """Return the commit checked out in ``folder``; ``None`` where it is in no checkout or there is no git."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(folder), "rev-parse", "--verify", "HEAD"]
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 -- git itself
    return answer.stdout.strip() if answer.returncode == 0 else None


def built_from() -> str | None:
    """Return the commit that the installed package was built from; ``None`` where its version names none."""
    try:
        built = _BUILT.search(version("sweeper"))
    except PackageNotFoundError:  # It runs without having been installed.
        return None
    return built["commit"] if built else None
