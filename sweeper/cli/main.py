"""The entry point: one Typer application, and the exit codes that users script against."""

import sys
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from typer import TyperException

from sweeper.cli import exits
from sweeper.cli.app import app
from sweeper.errors import SweeperError, UsageError


def main() -> None:
    """Run the command line; a fault that we know of is one line on stderr, never a traceback."""
    # A model of the user's own may lie beside the sweep file; last in line, so that it shadows nothing installed.
    sys.path.append(str(Path.cwd()))
    try:
        # Left to itself, Typer would print its own faults on several lines and exit.
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except TyperException as error:
        _fail(f"{error.format_message().rstrip('.')} (see --help)", exits.USAGE)
    except UsageError as error:
        _fail(str(error), exits.USAGE)
    except SweeperError as error:
        _fail(str(error), exits.FAILED)
    except KeyboardInterrupt:
        sys.exit(exits.INTERRUPTED)
    sys.exit(code)


def _fail(message: str, code: int) -> NoReturn:
    line = " ".join(f"error: {message}".splitlines())
    Console(stderr=True).print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(code)
