"""The git commit of the checkout that a sweep is run from."""

import shutil
import subprocess
from pathlib import Path


def commit_of(folder: Path) -> str | None:
    """Return the commit checked out in ``folder``; ``None`` where it is in no checkout or there is no git."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(folder), "rev-parse", "--verify", "HEAD"]
    answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 -- git itself
    return answer.stdout.strip() if answer.returncode == 0 else None
