"""Protects what is shown of a real sweep, and the configuration that is exported from it and trained again."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from calling import Ended, call_console_script
from swept import OF_A_REAL_SWEEP, Swept

pytestmark = OF_A_REAL_SWEEP


def strict_json(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def shown(sweep: Swept, place: Path) -> Callable[..., Any]:
    """Return a function that calls a command with `--json` and returns what it printed."""

    def call(*words: str) -> Any:
        ended = call_console_script(*words, "--json", cwd=place)
        assert (ended.code, ended.err) == (0, "")
        return strict_json(ended.out)

    return call


@pytest.fixture(scope="module")
def exported(sweep: Swept, place: Path) -> Ended:
    """The best configuration of the sweep, in `best.yaml`."""
    return call_console_script("export", "latest", cwd=place)


class TestShowing:
    def test_list(self, sweep: Swept, shown: Callable[..., Any]) -> None:
        (entry,) = shown("list")
        assert (entry["sweep"], entry["error"], entry["arms"]) == (sweep.folder.name, None, ["fc", "conv"])
        states = Counter(record.state for record in sweep.records)
        assert {state: count for state, count in entry["states"].items() if count} == states
        searched = [record for record in sweep.records if record.phase == "search" and record.state == "complete"]
        assert entry["ahead"]["value"] in [record.value for record in searched]

    def test_show(self, sweep: Swept, shown: Callable[..., Any]) -> None:
        described = shown("show", "latest")
        for trial, record in zip(described["trials"], sweep.records, strict=True):
            assert (trial["trial"], trial["arm"], trial["phase"]) == (record.number, record.arm, record.phase)
            assert (trial["state"], trial["value"], trial["seed"]) == (record.state, record.value, record.seed)
            assert trial["parameters"] == record.parameters
            assert [tuple(point) for point in trial["curve"]] == list(record.curve)


class TestExport:
    def test_it_writes_a_configuration_with_its_weights(self, sweep: Swept, place: Path, exported: Ended) -> None:
        assert (exported.code, exported.err) == (0, "")
        content = yaml.safe_load((place / "best.yaml").read_text())
        record = sweep.records[content["provenance"]["trial"]]
        assert record.phase == "finals"
        assert {section: content[section] for section in record.config} == record.config
        weights = (sweep.trial(record) / "best" / "model.safetensors").read_bytes()
        assert (place / "best.safetensors").read_bytes() == weights

    def test_training_it_again_reaches_the_same_value_and_weights_to_the_bit(
        self, place: Path, exported: Ended
    ) -> None:
        replayed = call_console_script("train", "best.yaml", "--replay", cwd=place)
        assert replayed.code == 0, replayed.err
        value = yaml.safe_load((place / "best.yaml").read_text())["provenance"]["value"]
        assert f"replay reached the recorded val/nll {value!r}" in replayed.out
        weights = (place / "best" / "best" / "model.safetensors").read_bytes()
        assert weights == (place / "best.safetensors").read_bytes()

    def test_a_value_that_is_not_reached_again_is_a_failure(self, place: Path, exported: Ended) -> None:
        content = yaml.safe_load((place / "best.yaml").read_text())
        content["provenance"]["value"] += 1e-9
        (place / "other.yaml").write_text(yaml.safe_dump(content))
        replayed = call_console_script("train", "other.yaml", "--replay", cwd=place)
        assert replayed.code == 1
        assert replayed.err.startswith("error: replay reached ")
        assert len(replayed.err.splitlines()) == 1
