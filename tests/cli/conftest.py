"""What the tests of the command line share: a place to call `sweeper` in, ways to call it, sweeps and models."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import SMALL, SWEEP, Ended, Sweeper, call_console_script, check_complaint, contents
from support.sweeps import make_spec, simulated
from swept import Swept, the_only_sweep
from trained import MODELS, build, train

from sweeper.cli.main import main

REFUSES_CONNECTIONS = "http://127.0.0.1:9"
"""The discard port, where nobody listens: with it as a proxy there is no network."""


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small sweep file, nothing of ours in the environment, and no network."""
    for name in ("SWEEPER_HOME", "SWEEPER_DATA", "MLFLOW_TRACKING_URI", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, REFUSES_CONNECTIONS)
    monkeypatch.setattr("urllib.request._opener", None)  # It keeps the proxies of its first call for ever.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


@pytest.fixture
def sweeper(workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sweeper:
    """Call the entry point of the command line in this process."""

    def call(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["sweeper", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(int(ended.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def refused(sweeper: Sweeper, workplace: Path) -> Callable[..., str]:
    """Call `sweeper` with something wrong, check that it is told in one line and writes nothing; return the line."""

    def call(*words: str, code: int = 2) -> str:
        before = contents(workplace)
        line = check_complaint(sweeper(*words), code)
        assert contents(workplace) == before, "something was written"
        return line

    return call


@pytest.fixture(scope="session")
def simulated_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished sweeps, `first` and `first-again`, and one, `begun`, in which nothing has ended."""
    home = tmp_path_factory.mktemp("simulated")
    spec = make_spec(epochs=2, trials=4)
    for name in ("begun", "first", "first-again"):
        folder = home / name
        folder.mkdir()
        (folder / "sweep.yaml").write_text(spec.to_yaml())
        (folder / "study.journal").touch()
    for name in ("first", "first-again"):
        simulated(spec, home / name)
    return home


@pytest.fixture
def home(simulated_home: Path, workplace: Path) -> Path:
    """A copy of the simulated sweeps, in the folder that `sweeper` is called in."""
    return shutil.copytree(simulated_home, workplace / "home")


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder to call `sweeper` in."""
    place = tmp_path_factory.mktemp("place")
    (place / "small.yaml").write_text(SWEEP)
    return place


@pytest.fixture(scope="session")
def sweep(place: Path) -> Swept:
    """The sweep of the file, tracked in the home's own store."""
    ended = call_console_script("run", "small.yaml", cwd=place, timeout=180)
    return Swept(ended, the_only_sweep(place / "sweeps"))


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of models by name, of which the VAE is trained."""
    folder = tmp_path_factory.mktemp("gallery")
    train(folder / "vae", MODELS["vae"])
    for name in MODELS.keys() - {"vae"}:
        build(folder / name, MODELS[name])
    return folder
