"""The entry point: one Typer application, and the exit codes that users script against."""

import sys

from rich.console import Console

from sweeper.cli import exits
from sweeper.cli.app import app
from sweeper.errors import SweeperError, UsageError


def main() -> None:
    """Run the command line; a fault that we know of is one line on stderr, never a traceback."""
    try:
        app()
    except SweeperError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(exits.USAGE if isinstance(error, UsageError) else exits.FAILED)
    except KeyboardInterrupt:
        sys.exit(exits.INTERRUPTED)
