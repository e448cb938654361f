"""Protects against tracebacks: whatever stands in a file or an override, only a UsageError of one line comes out."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.errors import UsageError
from sweeper.spec import parse_spec

EXAMPLE = (Path(__file__).parents[2] / "search_spaces" / "conv_vs_fc.yaml").read_text(encoding="utf-8")
PATHS = ["model", "model.backbone", "model.backbone.fc", "model.backbone.choose", "sweep", "sweep.trials", "sweep.arms"]
MORE_PATHS = ["sweep.search", "sweep.budget.usd", "training.optimizer.lr", "objective.k", "name", "question", "x.y"]
TRAPS = [
    *"{}[]:,&*!|>'\"%@`#-?~<=\t\n\\ \x00\ud800\x85",
    *["<<: *a", "&a ", "*a", "!!int ", "!!python/name:os.system ", "%YAML 1.1\n", "%TAG ! x\n", "---\n", "...\n", "? "],
    *["off", "null", "1e999", ".nan", "0o7", "2024-99-99", "9" * 40, '"\\U00110000"', '"\\ud800"'],
    *["choose", "choice: ", "float: ", "int: ", "{int: [1, 2]}", "{choose: {a: }}", "{choice: [[1]]}"],
]
PIECES = st.sampled_from([*TRAPS, *EXAMPLE.splitlines(keepends=True)]) | st.text(max_size=5)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


def lines_of_the_error(text: str, *overrides: str) -> int:
    """Return how many lines the error has, 1 if there is none."""
    try:
        parse_spec(text, "s.yaml", overrides)
    except UsageError as error:
        return len(str(error).splitlines())
    return 1


@given(edits=st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 12), PIECES), min_size=1, max_size=4))
@settings(deadline=None, max_examples=900)
def test_a_mutated_file(edits: list[tuple[int, int, str]]) -> None:
    text = EXAMPLE
    for start, length, new in edits:
        text = text[:start] + new + text[start + length :]
    assert lines_of_the_error(text) == 1


@given(text=TEXTS)
@settings(deadline=None, max_examples=400)
def test_a_file_of_anything(text: str) -> None:
    assert lines_of_the_error(text) == 1


@given(overrides=st.lists(st.tuples(st.sampled_from([*PATHS, *MORE_PATHS]), TEXTS).map("=".join), max_size=3))
@settings(deadline=None, max_examples=400)
def test_any_override(overrides: list[str]) -> None:
    assert lines_of_the_error(EXAMPLE, *overrides) == 1
