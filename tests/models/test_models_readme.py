"""Protects the promises of models/README.md: its code runs, and its model of one's own keeps the contract."""

import re
from pathlib import Path

import pytest
import torch

import models
from models import Batch, ImageShape, Model, find

README = Path(models.__file__).with_name("README.md").read_text(encoding="utf-8")
TRAINING, OWN = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SHAPE = ImageShape(1, 8, 8)


def test_the_training_loop_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(TRAINING, "README.md", "exec"), {})
    assert re.match(r"tensor\(-\d+\.\d+\)", capsys.readouterr().out)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    (tmp_path / "readme_model.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return find(Model, "readme_model:MyModel")(width=16)


def test_a_model_of_ones_own_is_found_and_built(own: Model, generator) -> None:
    model = own.build(SHAPE, generator)
    x = torch.rand(4, *SHAPE, generator=generator).round()
    assert model.log_weights(Batch(x), 3, generator).shape == (3, 4)
    assert model.sample(5, generator).shape == (5, *SHAPE)


def test_the_table_names_every_component() -> None:
    kinds = (models.Backbone, models.Likelihood, models.Condition, models.Objective, models.Schedule, models.Model)
    assert all(f"`{name}`" in README for kind in kinds for name in models.names(kind))
