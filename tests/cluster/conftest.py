"""What the tests of a cluster share: a place without anything of the user's own, and ways to call `sweeper` in it."""

import sys
from pathlib import Path

import pytest
from cluster_calling import Ended, Sweeper
from fakes import Fakes

from sweeper.cli.main import main


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in and at home in, with nothing of ours in the environment."""
    for name in ("SWEEPER_HOME", "SWEEPER_CLUSTER", "SWEEPER_CLUSTERS", "MLFLOW_TRACKING_URI", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def sweeper(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sweeper:
    """Call the entry point of the command line in this process; questions are answered with the text ``answer``."""

    def call(*words: str, answer: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["sweeper", *words])
        monkeypatch.setattr("builtins.input", lambda question: _answered(question, answer))
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(int(ended.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def fakes(place: Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """Programs that do nothing, in the place of Ray's launcher, of ssh and of kubectl."""
    fakes = Fakes(place / "fakes")
    fakes.install("ray", "ssh", "kubectl", "ssh-keygen")
    for name, value in fakes.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sweeper.cluster.commands._ray", lambda: str(fakes.folder / "ray"))
    return fakes


@pytest.fixture
def wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel that is built at once; that of the checkout has tests of its own."""

    def build(_checkout: Path, folder: Path, _runner: object) -> Path:
        (folder / "requirements.txt").write_text("./sweeper.whl\n")
        built = folder / "sweeper.whl"
        built.write_bytes(b"a wheel")
        return built

    monkeypatch.setattr("sweeper.cli.cluster.starting.build", build)
    monkeypatch.setattr("sweeper.cli.cluster.starting.check_committed", lambda _: None)


def _answered(question: str, answer: str) -> str:
    if not answer:
        raise EOFError
    print(question)
    return answer
