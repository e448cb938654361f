"""The entry point: one Typer application, and the exit codes that users script against."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from typer import TyperException

from sweeper.cli import exits
from sweeper.cli.app import app
from sweeper.cli.warning import tell_error
from sweeper.errors import SweeperError, UsageError


def main() -> None:
    """Run the command line; whatever goes wrong is one line on stderr, never a traceback."""
    # A model of the user's own may lie beside the sweep file; last in line, so that it shadows nothing installed.
    sys.path.append(str(Path.cwd()))
    try:
        # Left to itself, Typer would print its own faults on several lines and exit.
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        _fail(f"{error.format_message().rstrip('.')} (see --help)", exits.USAGE)
    except UsageError as error:
        _fail(str(error), exits.USAGE)
    except SweeperError as error:
        _fail(str(error), exits.FAILED)
    except KeyboardInterrupt:
        sys.exit(exits.INTERRUPTED)
    except BrokenPipeError:  # Whoever was reading our output, such as `head`, has had enough.
        _forget_output()
        sys.exit(exits.FAILED)
    except OSError as error:
        _forget_output()
        _fail(_described(error), exits.FAILED)
    except Exception as error:
        from sweeper.cli.defects import described_defect

        _fail(described_defect(error), exits.FAILED)
    sys.exit(code)


def _fail(message: str, code: int) -> NoReturn:
    with suppress(OSError):  # A terminal that was closed.
        tell_error(message)
    sys.exit(code)


def _described(error: OSError) -> str:
    from sweeper.disk import described

    return described(error, Path.cwd())


def _forget_output() -> None:
    """Send what is still to be printed nowhere: Python tries again while it shuts down, and complains."""
    with suppress(OSError):  # An output that is no file has nothing left to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
