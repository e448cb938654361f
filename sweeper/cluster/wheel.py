"""What every node installs: a wheel of one commit of the checkout, and the versions that this environment has."""

import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sweeper.cluster.running import Runner, Step
from sweeper.commit import commit_of
from sweeper.errors import UsageError

EXTRAS = ("aws", "postgres")
REQUIREMENTS = "requirements.txt"
_PACKAGED = ("sweeper", "models", "pyproject.toml")
_VERSION = re.compile(r'^version = "(?P<version>[^"+]+)"$', re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"


def find_checkout() -> Path:
    """Return the checkout that this program runs from, or else the one that we are in.

    Raises UsageError where there is neither: what a node installs must be a commit.
    """
    for folder in (Path(__file__).parents[2], Path.cwd()):
        if _is_ours(folder) and commit_of(folder) is not None:
            return folder
    raise UsageError(
        "found no checkout of sweeper; must be called in one, since nodes install what a commit of it holds"
    )


def check_committed(checkout: Path) -> None:
    """Raise UsageError where what a node would install differs from what lies here."""
    changed = _git(checkout, "status", "--porcelain", "--", *_PACKAGED).decode().splitlines()
    if changed:
        others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise UsageError(
            f"found {changed[0][3:]}{others} changed since the last commit; must be committed, or --committed installs "
            "the commit without that"
        )


def build(checkout: Path, folder: Path, runner: Runner) -> Path:
    """Return the wheel of the commit that is checked out, in ``folder``, built unless it is there.

    Its version names the commit. Beside it lies the file of requirements that installs it.
    """
    commit = commit_of(checkout)
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary)
        _unpack(checkout, source)
        project = source / "pyproject.toml"
        project.write_text(_VERSION.sub(rf'version = "\g<version>+g{commit}"', project.read_text()))
        wheel = next(iter(folder.glob(f"sweeper-*+g{commit}-*.whl")), None) or _built(source, folder, runner)
        (folder / REQUIREMENTS).write_text("".join(f"{line}\n" for line in _requirements(wheel, project.read_text())))
    return wheel


def _built(source: Path, folder: Path, runner: Runner) -> Path:
    for old in folder.glob("sweeper-*.whl"):
        old.unlink()
    step = Step(
        "build a wheel of the commit",
        (sys.executable, "-c", _BUILD, str(folder)),
        "see that setuptools 77 or later is installed here",
        {"SOURCE_DATE_EPOCH": "1577836800"},  # The same commit is the same wheel, to the byte.
        folder=source,
    )
    runner.run(step)
    return next(folder.glob("sweeper-*.whl"))


def _requirements(wheel: Path, project: str) -> Iterator[str]:
    """Yield the wheel, and of what it needs directly the versions that are installed here."""
    yield f"./{wheel.name}[{','.join(EXTRAS)}]"
    described = tomllib.loads(project)["project"]
    optional = described["optional-dependencies"]
    needed = (*described["dependencies"], *(line for extra in EXTRAS for line in optional[extra]))
    for name in dict.fromkeys(found[0] for found in map(_NAME.match, needed) if found):
        installed = _installed(name)
        if installed is not None:
            yield f"{name}=={installed}"


def _installed(name: str) -> str | None:
    """Return a package's version without its build, such as ``+cpu``: that is for each machine to choose."""
    try:
        return version(name).partition("+")[0]
    except PackageNotFoundError:
        return None


def _unpack(checkout: Path, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(_git(checkout, "archive", "HEAD"))) as archive:
        archive.extractall(folder, filter="data")


def _is_ours(folder: Path) -> bool:
    project = folder / "pyproject.toml"
    return project.is_file() and 'name = "sweeper"' in project.read_text()


def _git(checkout: Path, *words: str) -> bytes:
    command = ("git", "-C", str(checkout), *words)
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout  # noqa: S603 -- git itself
