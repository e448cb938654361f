"""The README's code is run: its YAML is read, its commands are parsed, its links lead somewhere."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer.main

from sweeper.cli.app import app
from sweeper.spec import parse_spec, read_spec

ROOT = Path(__file__).parents[2]
READMES = sorted(
    path for path in ROOT.rglob("*.md") if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
README = (ROOT / "README.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    """Return the words of every `sweeper …` after a prompt, without what is joined to it by && ."""
    lines = [line[2:] for block in blocks(README, "console") for line in block.splitlines() if line.startswith("$ ")]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [shlex.split(part) for part in parts if part.startswith("sweeper ")]


@pytest.mark.parametrize("text", [block for block in blocks(README, "yaml") if block.startswith("name:")])
def test_a_sweep_file_in_the_readme_is_the_shipped_one(text):
    assert parse_spec(text).digest == read_spec(ROOT / "search_spaces/conv_vs_fc.yaml").digest


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_in_the_readme_can_be_typed(words):
    group = typer.main.get_command(app)
    context = group.make_context("sweeper", words[1:], resilient_parsing=False)
    name, command, rest = group.resolve_command(context, words[1:])
    while hasattr(command, "resolve_command"):  # A group of commands, such as `cluster`.
        name, command, rest = command.resolve_command(command.make_context(name, list(rest)), rest)
    assert command.make_context(name, rest).params


def test_every_command_is_in_the_readme():
    group = typer.main.get_command(app)
    missing = [name for name in group.list_commands(click.Context(group)) if f"`sweeper {name}" not in README]
    assert missing == []


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    prose = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(([^)#:\s]+)\)", prose)
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_two_commands_are_the_ones_that_ci_runs():
    ci = (ROOT / ".ci/run").read_text()
    assert "$ pip install '.[test]' && python -m pytest -n 2 --dist loadfile\n" in README
    assert "install --quiet '.[test]'" in ci
    assert "python -m pytest -n 2 --dist loadfile" in ci
