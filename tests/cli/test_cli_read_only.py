"""Protects homes that cannot be written to: they can be read, and what would write to them is refused in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Ended, Sweeper, check_complaint, contents
from support.keyed import keys, sweep_in
from support.namespaces import run_mounted

from sweeper.search import read_records

Words = tuple[str, ...]

READING: list[Words] = [
    ("list",),
    ("list", "--json"),
    ("show", "first"),
    ("show", "latest", "--json"),
    ("compare", "first", "second"),
    ("export", "first", "-o", "elsewhere.yaml"),
]

CALL_EACH = """\
import contextlib, io, json, sys
from sweeper.cli.main import main

ended = []
for words in json.loads(sys.argv[1]):
    sys.argv = ["sweeper", *words, "--home", "home"]
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            main()
        except SystemExit as error:
            code = error.code or 0
    ended.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(ended))
"""
"""Calls each command in one process: the imports of one take seconds."""


@pytest.fixture
def read_home(workplace: Path, simulated_home: Path) -> Path:
    """One sweep that may be resumed, and two finished ones whose trials have weights to export."""
    shutil.copytree(simulated_home / "begun", workplace / "home" / "begun")
    for name in ("first", "second"):
        folder = sweep_in(workplace / "home" / name, keys())
        for record in read_records(folder):
            best = folder / "trials" / record.folder / "best"
            best.mkdir(parents=True)
            (best / "model.safetensors").write_bytes(b"weights")
    return workplace / "home"


@pytest.fixture
def call_each(read_home: Path, workplace: Path) -> Callable[[list[Words]], list[Ended]]:
    """Call commands where the home is mounted so that nobody can write to it, not even the administrator."""

    def call(commands: list[Words]) -> list[Ended]:
        mount = f"mount --bind {read_home} {read_home} && mount -o remount,bind,ro {read_home}"
        return [
            Ended(*ended) for ended in json.loads(run_mounted(mount, CALL_EACH, json.dumps(commands), cwd=workplace))
        ]

    return call


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_who_reads_leaves_every_file_as_it_is(sweeper: Sweeper, read_home: Path, words: Words) -> None:
    before = contents(read_home)
    ended = sweeper(*words, "--home", "home")
    assert (ended.code, ended.err) == (0, "")
    assert contents(read_home) == before


def test_a_home_that_is_read_only_can_be_read(call_each: Callable[[list[Words]], list[Ended]], workplace: Path) -> None:
    assert [(ended.code, ended.err) for ended in call_each(READING)] == [(0, "")] * len(READING)
    assert (workplace / "elsewhere.yaml").is_file()


def test_what_would_write_to_it_is_refused_in_one_line(call_each: Callable[[list[Words]], list[Ended]]) -> None:
    commands = {("run", "small.yaml"): 2, ("resume", "begun"): 2, ("prune", "first"): 2, ("sync", "first"): 1}
    ended = call_each(list(commands))
    lines = [check_complaint(*each) for each in zip(ended, commands.values(), strict=True)]
    assert all("ead-only file system" in line for line in lines), lines
