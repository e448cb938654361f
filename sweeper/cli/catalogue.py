"""`models`: what there is to be named in a file, and what may be set of it."""

import json
from dataclasses import asdict

from rich.console import Console

from sweeper.analysis import Table
from sweeper.cli.tables import print_json, print_table
from sweeper.spec.values import Value, listed
from sweeper.training.catalogue import Entry, entries, kinds, look_up, playing

MODEL = "model"


def print_catalogue(name: str | None, as_json: bool) -> None:
    """Print all models, all components of a kind, or what may be set of one component."""
    if name is None or name in kinds():
        found = entries(name or MODEL)
        if as_json:
            print_json([_plain(entry) for entry in found])
        else:
            _print_kind(name or MODEL, found)
        return
    entry = look_up(name)
    if as_json:
        print_json(_plain(entry))
    else:
        _print_entry(entry)


def _print_kind(kind: str, found: tuple[Entry, ...]) -> None:
    console = Console()
    if kind == MODEL:
        rows = tuple((entry.name, listed(playing(entry.name).players), entry.summary) for entry in found)
        print_table(console, Table((MODEL, "players", "architecture and paper"), rows))
    else:
        print_table(console, Table((kind, "what it is"), tuple((entry.name, entry.summary) for entry in found)))
    example = found[0].name if kind == MODEL else f"{kind}.{found[0].name}"
    _say(console, f"what may be set of one: sweeper models {example}")
    _say(console, f"other parts of a file: sweeper models {' | '.join(other for other in kinds() if other != kind)}")


def _print_entry(entry: Entry) -> None:
    console = Console()
    _say(console, f"{entry.kind} {entry.name}: {entry.summary}")
    if entry.kind == MODEL:
        trained = playing(entry.name)
        _say(console, f"players: {listed(trained.players)}")
        _say(console, f"trained by objective {_shown(trained.objective)}, schedule {_shown(trained.schedule)}")
    rows = tuple((parameter.name, _shown(parameter.default), parameter.allowed) for parameter in entry.parameters)
    if rows:
        print_table(console, Table(("parameter", "default", "allowed"), rows))
    else:
        _say(console, "nothing may be set of it")


def _plain(entry: Entry) -> dict[str, Value]:
    return asdict(entry) | (asdict(playing(entry.name)) if entry.kind == MODEL else {})


def _shown(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
