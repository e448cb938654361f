"""Protects what nodes install: exactly one commit of the checkout, and the versions of this environment."""

import shutil
import subprocess
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from sweeper.cluster import wheel
from sweeper.cluster.running import Runner, StepError
from sweeper.cluster.wheel import build, check_committed, find_checkout
from sweeper.commit import built_from, commit_of
from sweeper.errors import UsageError

ROOT = Path(__file__).parents[2]
OF_THE_PACKAGE = ("pyproject.toml", "README.md", "LICENSE")
SOURCES = ("sweeper", "models")


def git(folder: Path, *words: str) -> None:
    own = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(("git", "-C", str(folder), *own, *words), check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of what lies here, all of it committed."""
    checkout = tmp_path_factory.mktemp("checkout")
    for name in OF_THE_PACKAGE:
        shutil.copyfile(ROOT / name, checkout / name)
    for name in SOURCES:
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    git(checkout, "init", "--quiet")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "All of it")
    return checkout


@pytest.fixture
def checkout(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "checkout")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path / "log.txt", lambda _: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "node"
    folder.mkdir()
    return folder


def test_a_wheel_holds_the_commit_and_names_it(checkout: Path, folder: Path, runner: Runner) -> None:
    (checkout / "sweeper" / "errors.py").write_text("changed = True\n")
    (checkout / "sweeper" / "uncommitted.py").touch()
    built = build(checkout, folder, runner)
    assert f"+g{commit_of(checkout)}-" in built.name
    with zipfile.ZipFile(built) as archive:
        assert archive.read("sweeper/errors.py") == (ROOT / "sweeper" / "errors.py").read_bytes()
        assert "sweeper/uncommitted.py" not in archive.namelist()
        assert "models/__init__.py" in archive.namelist()


def test_the_version_of_an_installed_wheel_tells_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = "0123456789" * 4
    monkeypatch.setattr("sweeper.commit.version", lambda _: f"0.1.0+g{commit}")
    assert built_from() == commit
    monkeypatch.setattr("sweeper.commit.version", lambda _: "0.1.0")
    assert built_from() is None


def test_the_same_commit_is_the_same_wheel(checkout: Path, folder: Path, runner: Runner) -> None:
    built = build(checkout, folder, runner)
    content, made = built.read_bytes(), built.stat().st_mtime_ns
    assert build(checkout, folder, runner).stat().st_mtime_ns == made
    built.unlink()
    assert build(checkout, folder, runner).read_bytes() == content


def test_the_wheel_of_another_commit_takes_its_place(checkout: Path, folder: Path, runner: Runner) -> None:
    old = build(checkout, folder, runner)
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "More")
    assert build(checkout, folder, runner) != old
    assert not old.exists()


def test_nodes_install_the_wheel_and_the_versions_that_are_here(checkout: Path, folder: Path, runner: Runner) -> None:
    built = build(checkout, folder, runner)
    first, *pinned = (folder / "requirements.txt").read_text().splitlines()
    assert first == f"./{built.name}[aws,postgres]"
    assert f"ray=={version('ray')}" in pinned
    assert f"torch=={version('torch').partition('+')[0]}" in pinned
    assert len(pinned) == len({line.partition("==")[0] for line in pinned})
    assert not any("sweeper" in line for line in pinned)


def test_a_wheel_that_cannot_be_built_is_one_line(
    checkout: Path, folder: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel, "_BUILD", "raise ModuleNotFoundError('No module named setuptools')")
    with pytest.raises(
        StepError, match=r"^build a wheel of the commit: ModuleNotFoundError: No module named setuptools; "
    ):
        build(checkout, folder, runner)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["sweeper/errors.py", "models/new.py", "pyproject.toml"])
def test_what_is_in_no_commit_is_refused(checkout: Path, name: str) -> None:
    check_committed(checkout)
    with (checkout / name).open("a") as file:
        file.write("\n")
    with pytest.raises(
        UsageError, match=rf"^found {name} changed since the last commit; must be committed, or --committed"
    ):
        check_committed(checkout)


def test_what_no_node_installs_may_change(checkout: Path) -> None:
    (checkout / "my_sweep.yaml").write_text("name: mine\n")
    check_committed(checkout)


def test_the_checkout_is_the_one_that_runs_or_the_one_that_we_are_in(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel, "__file__", str(tmp_path / "site-packages" / "sweeper" / "cluster" / "wheel.py"))
    monkeypatch.chdir(checkout)
    assert find_checkout() == checkout
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^found no checkout of sweeper; must be called in one"):
        find_checkout()
