"""From a real journal to the answer: what the search writes is what the analysis reads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.sweeps import make_spec, simulated

from sweeper.analysis import (
    SweepResults,
    arm_table,
    best_trial,
    describe_home,
    describe_sweep,
    export_best,
    find_sweep,
    judge,
    read_config,
    sweeps_table,
    verdict_text,
)


def loss(config: dict, seed: int, epoch: int) -> float:
    """Return a made-up loss: conv is better than fc by one nat, seeds differ by at most a tenth."""
    advantage = 1.0 if config["model"]["backbone"]["name"] == "conv" else 0.0
    return 20 - advantage + config["model"]["latent_dim"] / 100 + 10 / epoch + (seed % 1000) / 1e4


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home with one finished sweep of two arms."""
    home = tmp_path_factory.mktemp("home")
    folder = home / "test-20251121-aaaa"
    folder.mkdir()
    spec = make_spec(trials=12, finals={"top": 2, "seeds": 3})
    (folder / "sweep.yaml").write_text(spec.to_yaml())
    simulated(spec, folder, metric=loss)
    return home


def test_the_answer_is_the_truth_that_was_simulated(home):
    results = SweepResults.load(find_sweep(home, "latest"))
    verdict = judge(results)
    assert verdict.standings[0].arm == "conv"
    (comparison,) = verdict.comparisons
    assert comparison.better is comparison.first
    assert comparison.test.interval.low < 1.0 < comparison.test.interval.high
    assert [len(standing.records.finals) for standing in verdict.standings] == [6, 6]
    assert verdict_text(verdict).startswith("Answer: conv is better than fc by ")
    assert len(arm_table(verdict).rows) == 2


def test_the_sweep_is_listed_and_described(home):
    (entry,) = describe_home(home)
    described = describe_sweep(SweepResults.load(find_sweep(home, "test")))
    assert described.items() >= entry.items()
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert entry["ahead"]["arm"] == "conv"
    (row,) = sweeps_table([entry]).rows
    assert row[:3] == ("test-20251121-aaaa", "24", str(entry["states"]["complete"]))


def test_the_best_is_exported_and_reads_back(home, tmp_path):
    folder = find_sweep(home, "test")
    best = best_trial(SweepResults.load(folder))
    weights = folder / "trials" / best.folder / "best" / "model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    config, provenance = read_config(export_best(folder, tmp_path / "best.yaml"))
    assert config == best.config
    assert (provenance["trial"], provenance["value"], provenance["phase"]) == (best.number, best.value, "finals")
    assert (tmp_path / "best.safetensors").read_bytes() == b"weights"


def test_reading_imports_nothing_that_trains():
    script = "import sys, sweeper.analysis; print({'torch', 'ray', 'mlflow', 'scipy', 'rich'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
