"""Protects what a sweep of GANs is for: the winner draws every digit, and the loser's collapse can be seen."""

import json
from pathlib import Path

import pytest
import yaml
from calling import Ended, call_console_script
from swept import OF_A_REAL_SWEEP, the_only_sweep

from sweeper.search import read_records

pytestmark = OF_A_REAL_SWEEP

DIGITS = 10
SWEEP = """
name: critic-steps
question: How often should a clipped critic train for each step of its generator?
data: {name: digits}
model:
  name: wgan
  latent_dim: 64
  generator: {name: fc, hidden: 128, layers: 2, norm: batch}
  critic: {name: fc, hidden: 128, layers: 2, activation: leaky_relu}
training:
  epochs: 15
  batch_size: 64
  optimizer: {name: adam, lr: 0.001, beta1: 0.0}
  schedule: {choose: {once: {name: alternating}, five_times: {name: alternating, critic_steps: 5}}}
sweep:
  metric: val/fld
  arms: training.schedule
  trials: 2
  stopping: none
  finals: {top: 1, seeds: 2}
  workers: 1
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one sweep of GANs that has ended."""
    home = tmp_path_factory.mktemp("gans")
    (home / "critic_steps.yaml").write_text(SWEEP)
    ended = call_console_script("run", "critic_steps.yaml", "--home", ".", "--tracking-uri", "none", cwd=home)
    assert (ended.code, ended.err) == (0, "")
    (home / "said.txt").write_text(ended.out)
    return home


def arm_rows(text: str) -> dict[str, dict[str, str]]:
    """Return the rows of the arm table by arm: columns are two spaces apart."""
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("rank "))
    headings, *rows = ([cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines[start : start + 3])
    return {row[1]: dict(zip(headings, row, strict=True)) for row in rows}


def test_the_winner_covers_all_digits_and_the_collapse_of_the_loser_is_in_the_table(home: Path) -> None:
    rows = arm_rows((home / "said.txt").read_text())
    winner, loser = rows["once"], rows["five_times"]
    assert (winner["rank"], loser["rank"]) == ("1", "2")
    assert float(winner["modes"]) == DIGITS
    assert float(loser["modes"]) <= DIGITS / 2
    assert "mode_collapsed" in loser["signs"]


def test_every_trial_says_what_it_covers_and_how_far_real_images_are_apart(home: Path) -> None:
    for record in read_records(the_only_sweep(home)):
        modes = {record.measured["val/modes"], record.test.get("test/modes", record.measured["val/modes"])}
        assert modes == {DIGITS} if record.arm == "once" else max(modes) <= DIGITS / 2
        assert 0 < record.measured["val/fld_floor"] < record.measured["val/fld"]


def test_the_best_configuration_trains_again_to_the_same_distance(home: Path) -> None:
    exported: Ended = call_console_script("export", "latest", "--home", ".", cwd=home)
    assert (exported.code, exported.err) == (0, "")
    provenance = yaml.safe_load((home / "best.yaml").read_text())["provenance"]
    assert (provenance["arm"], provenance["metric"]) == ("once", "val/fld")
    replayed = call_console_script("train", "best.yaml", "--replay", cwd=home)
    assert (replayed.code, replayed.err) == (0, "")
    assert json.dumps(provenance["value"]) in replayed.out
