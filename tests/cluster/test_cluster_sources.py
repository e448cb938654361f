"""Protects what is sent with a sweep: its file, and the user's own modules that it needs, and nothing else."""

from pathlib import Path

import pytest

from sweeper.cluster import sources
from sweeper.cluster.sources import gather
from sweeper.errors import UsageError
from sweeper.spec import parse_spec

SWEEP = """\
name: own
data: {{name: digits}}
model: {{name: vae, latent_dim: 2, backbone: {{name: fc, hidden: 16}}}}
objective: {objective}
training: {{epochs: 1, batch_size: 64, optimizer: {{name: adam, lr: 0.001}}}}
sweep: {{trials: 1, stopping: none, finals: none}}
"""


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder with a module, what it imports, a package, and what has nothing to do with them."""
    beside = tmp_path / "beside"
    (beside / "bounds" / "__pycache__").mkdir(parents=True)
    (beside / "mine.py").write_text("import helpers\nfrom bounds.tight import Tight\nimport torch, sweeper\n")
    (beside / "helpers.py").write_text("import mine\n")
    (beside / "bounds" / "tight.py").touch()
    (beside / "bounds" / "__pycache__" / "tight.pyc").touch()
    (beside / "unneeded.py").touch()
    (beside / "sweeper").mkdir()
    return beside


def sent(objective: str, beside: Path) -> set[str]:
    text = SWEEP.format(objective=objective)
    file = beside / "own.yaml"
    file.write_text(text)
    folder = beside / "sent"
    folder.mkdir()
    gather(parse_spec(text, "own.yaml"), file, beside, folder)
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_sweep_without_own_modules_is_sent_alone(beside: Path) -> None:
    assert sent("{name: elbo}", beside) == {"own.yaml"}


@pytest.mark.parametrize(
    "objective",
    ['{name: "mine:Objective"}', '{choose: {elbo: {}, own: {name: "mine:Objective"}}}'],
    ids=["named", "branch"],
)
def test_own_modules_go_with_it_and_what_they_import(beside: Path, objective: str) -> None:
    assert sent(objective, beside) == {"own.yaml", "mine.py", "helpers.py", "bounds/tight.py"}


def test_a_module_that_is_not_here_is_refused(beside: Path) -> None:
    with pytest.raises(
        UsageError, match=r"^found a component of the module 'elsewhere'; must be elsewhere\.py or elsewhere/"
    ):
        sent('{name: "elsewhere.objectives:Mine"}', beside)


def test_too_much_is_refused(beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_BYTES", 100)
    with pytest.raises(UsageError, match="must be at most 100 B"):
        sent("{name: elbo}", beside)
