"""The exported configuration: the right trial, everything about where it comes from, and never half a file."""

import re
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest
from fabricated import Arm, fabricate

from sweeper.analysis import SweepResults, best_trial, export_best, read_config
from sweeper.errors import SweeperError, UsageError

ARMS = {
    "fc": Arm([1.0, 2.0], {0: [(9.0, 1.0), (8.0, 1.0)], 1: [(7.9, 1.0), (9.9, 1.0)]}),
    "conv": Arm([3.0, "failed"], {0: [(7.0, 2.0), (6.0, 9.0), (6.5, 3.0), "failed"]}),
    "draw": Arm([0.5]),
    "none": Arm(["pruned"]),
}


@pytest.fixture
def sweep(tmp_path, monkeypatch) -> SweepResults:
    """A sweep whose trials each have weights that say whose they are; its journal is taken as read."""
    results = fabricate(ARMS, folder=tmp_path / "test-20251121-aaaa")
    for record in results.records:
        if record.state == "complete":
            weights = results.folder / "trials" / record.folder / "best" / "model.safetensors"
            weights.parent.mkdir(parents=True)
            weights.write_text(f"weights of trial {record.number}")
    monkeypatch.setattr(SweepResults, "load", lambda folder: results)
    return results


def exported(sweep: SweepResults, output: Path, **options) -> tuple[dict, dict, str]:
    """Export; return configuration, provenance, and the content of the weights."""
    assert export_best(sweep.folder, output, **options) == output
    config, provenance = read_config(output)
    return config, provenance, output.with_name(provenance["weights"]).read_text()


@pytest.mark.parametrize(
    ("arm", "phase", "number"),
    [
        (None, "finals", 11),  # The best on validation of the arm ahead on validation; on test others are better.
        ("conv", "finals", 11),
        ("fc", "finals", 7),  # Not 8, whose value is better: its configuration is not the one that stands for fc.
        ("draw", "search", 4),
    ],
)
def test_the_trial_is_the_best_on_validation_of_the_arm(sweep, tmp_path, arm, phase, number):
    config, provenance, weights = exported(sweep, tmp_path / "best.yaml", arm=arm)
    (record,) = [record for record in sweep.records if record.number == number]
    assert config == record.config
    assert (provenance["trial"], provenance["phase"]) == (number, phase)
    assert weights == f"weights of trial {number}"


def test_provenance_says_where_it_comes_from_and_what_it_came_to(sweep, tmp_path):
    _, provenance, _ = exported(sweep, tmp_path / "best.yaml")
    assert re.fullmatch(r"[0-9a-f]{64}", provenance.pop("digest"))
    assert provenance == {
        "sweep": "test-20251121-aaaa",
        "arm": "conv",
        "phase": "finals",
        "trial": 11,
        "source": 2,
        "seed": 1011,
        "metric": "val/nll",
        "value": 6.0,
        "test": [{"metric": "test/nll", "value": 9.0}],
        "epochs": 5,
        "best_epoch": 4,
        "evaluation": sweep.spec.settings.evaluation.model_dump(),
        "threads": 1,
        "weights": "best.safetensors",
        "versions": {"sweeper": installed("sweeper"), "torch": version("torch")},
    }


def installed(package: str) -> str | None:
    try:
        return version(package)
    except ModuleNotFoundError:
        return None


def test_a_search_trial_has_neither_source_nor_test(sweep, tmp_path):
    _, provenance, _ = exported(sweep, tmp_path / "best.yaml", arm="draw")
    assert (provenance["source"], provenance["test"], provenance["phase"]) == (None, [], "search")


def test_where_more_is_better_the_best_is_the_largest():
    results = fabricate({"fc": Arm([0.9], {0: [0.7, 0.8, 0.75]})}, metric="val/accuracy")
    assert best_trial(results).value == 0.8


def test_existing_files_are_replaced_only_by_force(sweep, tmp_path):
    output = tmp_path / "best.yaml"
    exported(sweep, output, arm="fc")
    before = output.read_text()
    with pytest.raises(UsageError, match=r"found '.*best.yaml' there already"):
        export_best(sweep.folder, output)
    assert output.read_text() == before
    assert exported(sweep, output, force=True)[2] == "weights of trial 11"


def test_existing_weights_are_not_replaced_either(sweep, tmp_path):
    (tmp_path / "best.safetensors").write_text("mine")
    with pytest.raises(UsageError, match=r"best.safetensors' there already"):
        export_best(sweep.folder, tmp_path / "best.yaml")
    assert not (tmp_path / "best.yaml").exists()


@pytest.mark.parametrize("force", [False, True])
def test_a_failure_leaves_what_was_there_and_nothing_else(sweep, tmp_path, monkeypatch, force):
    output = tmp_path / "out" / "best.yaml"
    output.parent.mkdir()
    if force:
        exported(sweep, output, arm="fc")
    before = {path.name: path.read_text() for path in output.parent.iterdir()}

    def full(source, target):
        Path(target).write_text("half")
        raise OSError("No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        export_best(sweep.folder, output, force=force)
    assert {path.name: path.read_text() for path in output.parent.iterdir()} == before


def test_a_kill_between_the_two_files_leaves_no_configuration_with_the_weights_of_another(sweep, tmp_path, monkeypatch):
    output = tmp_path / "out" / "best.yaml"
    output.parent.mkdir()
    exported(sweep, output, arm="fc")
    replace = Path.replace

    def killed_after_weights(self, target):
        replace(self, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed_after_weights)
    with pytest.raises(KeyboardInterrupt):
        export_best(sweep.folder, output, force=True)
    assert [path.name for path in output.parent.iterdir()] == ["best.safetensors"]


@pytest.mark.parametrize(
    ("output", "arm", "message"),
    [
        ("best.json", None, "must end in .yaml or .yml"),
        ("best", None, "must end in .yaml or .yml"),
        ("nowhere/best.yaml", None, "must be a folder that exists"),
        ("folder.yaml", None, "there already"),
        ("best.yaml", "cnv", 'arm: found "cnv"; must be one of fc, conv, draw, none; did you mean conv'),
    ],
)
def test_a_wrong_output_or_arm_is_refused_and_nothing_written(sweep, tmp_path, output, arm, message):
    (tmp_path / "folder.yaml").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UsageError, match=message):
        export_best(sweep.folder, tmp_path / output, arm=arm, force=True)
    assert sorted(tmp_path.iterdir()) == before


def test_an_arm_without_a_trial_trained_to_its_end_cannot_be_exported(sweep, tmp_path):
    with pytest.raises(SweeperError, match="test-20251121-aaaa: arm none has no trial that was trained to its end"):
        export_best(sweep.folder, tmp_path / "best.yaml", arm="none")


def test_weights_that_are_gone_are_named_with_what_to_do(sweep, tmp_path):
    shutil.rmtree(sweep.folder / "trials")
    with pytest.raises(SweeperError) as raised:
        export_best(sweep.folder, tmp_path / "best.yaml")
    assert re.fullmatch(
        r"trial 11: its weights are gone; must be in .*best/model.safetensors: the sweep's policy keeps what export "
        r"takes, .*; export with --no-weights, and 'sweeper train' trains them again",
        str(raised.value),
    )


def test_without_weights_the_configuration_stands_alone(sweep, tmp_path):
    exported(sweep, tmp_path / "best.yaml", arm="fc")
    shutil.rmtree(sweep.folder / "trials")
    export_best(sweep.folder, tmp_path / "best.yaml", force=True, with_weights=False)
    _, provenance = read_config(tmp_path / "best.yaml")
    assert (provenance["trial"], provenance["weights"]) == (11, None)
    assert not (tmp_path / "best.safetensors").exists(), "they were another trial's"
