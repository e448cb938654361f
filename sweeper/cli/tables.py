"""What is printed as a whole: tables, drawn on a terminal, plain columns in a file or a pipe; and JSON."""

import json

from rich.console import Console

from sweeper.analysis import Table


def print_table(console: Console, table: Table) -> None:
    """Print a table; in a pipe it is as wide as it has to be, so that no cell is folded."""
    if console.is_terminal:
        console.print(table.rich())
    else:
        console.file.write(table.plain())


def print_json(content: object) -> None:
    """Print plain data for scripts."""
    print(json.dumps(content, indent=2, allow_nan=False))  # noqa: T201  # Rich would wrap and colour it.
