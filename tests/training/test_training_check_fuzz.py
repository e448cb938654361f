"""Protects against tracebacks: whatever value stands where, a file is checked to its end or refused in one line."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeper.errors import UsageError
from sweeper.spec import parse_spec
from sweeper.training.check import check_components

SPACES = sorted((Path(__file__).parents[2] / "search_spaces").glob("*.yaml"))
LEAVES = [
    0,
    -1,
    1,
    2,
    3,
    7,
    10**6,
    10**12,
    0.0,
    -0.5,
    0.5,
    1e-300,
    1e300,
    True,
    False,
    None,
    "",
    "x",
    "none",
    "fc",
    "conv",
]
BRANCHES = [[], [1], [1, 2], ["a"], {}, {"name": "vae"}, {"choice": [1, 2]}, {"int": [1, 3]}, {"float": [0.1, 0.9]}]
VALUES = st.sampled_from([*LEAVES, *BRANCHES])


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in [(*path, key), *paths_of(item, (*path, key))]]


def replaced(content: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put a value in the place of another; a change before may have taken the place away."""
    for key in path[:-1]:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(content, dict) or (isinstance(content, list) and path[-1] < len(content)):
        content[path[-1]] = deepcopy(value)


def outcome(text: str) -> str:
    """Check a file; return what is said of it, nothing where nothing is wrong."""
    try:
        check_components(parse_spec(text, "s.yaml"), None)
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@given(data=st.data(), space=st.sampled_from(SPACES))
@settings(deadline=None, max_examples=700, suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow])
def test_any_value_in_any_place_of_a_search_space(data: st.DataObject, space: Path) -> None:
    content = yaml.safe_load(space.read_text())
    content["data"] = {"name": "digits"}
    for _ in range(data.draw(st.integers(1, 2), label="changes")):
        path = data.draw(st.sampled_from(paths_of(content)), label="path")
        replaced(content, path, data.draw(VALUES, label="value"))
    said = outcome(yaml.safe_dump(content, sort_keys=False))
    assert len(said.splitlines()) <= 1


SIZES = [
    (10**7, r"model: found weights of [\d.]+ TiB; must be at most 1023 MiB, the memory of this machine$"),
    (10**15, r"model: cannot be built \(RuntimeError: Storage size calculation overflowed with sizes="),
]


@pytest.mark.parametrize(("hidden", "message"), SIZES)
def test_a_model_that_no_memory_can_hold_is_refused_without_taking_any(
    monkeypatch: pytest.MonkeyPatch, hidden: int, message: str
) -> None:
    monkeypatch.setattr("sweeper.training.check.physical_memory", lambda: 2**30 - 2**20)
    content = yaml.safe_load((SPACES[0].parent / "conv_vs_fc.yaml").read_text())
    content["model"]["backbone"] = {"choose": {"fc": {"hidden": hidden, "layers": 2}, "conv": {}}}
    assert re.search(message, outcome(yaml.safe_dump(content, sort_keys=False)))
