"""Protects that each known pitfall has a test against it, and that every test which a README names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PITFALLS = 15
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)+)`")
READMES = [
    path
    for path in sorted(ROOT.rglob("*.md"))
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts) and REFERENCE.search(path.read_text())
]


@cache
def names_in(path: str) -> set[str]:
    """Return what a file of tests can be asked for: its tests, its classes, and those in classes."""
    tree = ast.parse((ROOT / path).read_text())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return functions(tree).union(*({of.name, *(f"{of.name}::{name}" for name in functions(of))} for of in classes))


def functions(tree: ast.Module | ast.ClassDef) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test")}


def missing(text: str) -> list[str]:
    """Return the tests that a text names and that are not there."""
    return [path + name for path, name in REFERENCE.findall(text) if name.removeprefix("::") not in names_in(path)]


def test_each_pitfall_has_a_test_against_it() -> None:
    rows = re.findall(r"^\| (\d+) \|(.*)$", (ROOT / "tests/torture/README.md").read_text(), flags=re.MULTILINE)
    protected = [int(number) for number, row in rows if REFERENCE.search(row)]
    assert protected == list(range(1, PITFALLS + 1))


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_that_a_readme_names_is_there(path: Path) -> None:
    assert missing(path.read_text()) == []


def test_a_name_that_is_not_there_is_found() -> None:
    assert missing("`tests/torture/test_pitfalls.py::test_each_pitfall_has_a_test_against_it`") == []
    assert missing("`tests/torture/test_pitfalls.py::test_nothing`") == ["tests/torture/test_pitfalls.py::test_nothing"]
