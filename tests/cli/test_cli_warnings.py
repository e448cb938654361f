"""Protects that what an objective says against a model reaches the user, in one line, once, and stops nothing."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from calling import SMALL, Sweeper

from models.objectives import ELBO


@dataclass(frozen=True, kw_only=True)
class Doubtful(ELBO):
    """An objective that warns of every model."""

    def warnings(self, model: object) -> list[str]:
        return ["was [seen] to fail"]


@pytest.fixture
def file(workplace: Path) -> str:
    objective = f'{{name: "{__name__}:Doubtful", k: {{choice: [1, 5]}}}}'
    text = SMALL.replace("{name: iwae, k: {choice: [1, 5]}}", objective)
    (workplace / "doubtful.yaml").write_text(text)
    return "doubtful.yaml"


WARNING = "warning: doubtful.yaml:11: objective: was [seen] to fail\n"


def test_check_warns_and_goes_on(sweeper: Sweeper, file: str) -> None:
    ended = sweeper("check", file)
    assert ended.code == 0
    assert ended.err == WARNING
    assert "doubtful.yaml is valid" in ended.out


def test_a_sweep_is_warned_of_when_it_is_begun(sweeper: Sweeper, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    monkeypatch.setattr("sweeper.cli.sweeping._run", lambda *arguments: begun.append(arguments))
    ended = sweeper("run", file)
    assert ended.code == 0
    assert ended.err == WARNING
    assert len(begun) == 1
