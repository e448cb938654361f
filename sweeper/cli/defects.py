"""Faults of our own: one line for the user, and the traceback in a file for whoever repairs it."""

import tempfile
import traceback

from sweeper.errors import one_line
from sweeper.masking import mask


def described_defect(error: Exception) -> str:
    """Return one line that says that ``error`` should not have come this far, and where its traceback is."""
    return f"this is a defect of sweeper: {one_line(error)}; {traceback_of(error)}"


def traceback_of(error: Exception) -> str:
    """Write a traceback, without secrets, into a file of its own; return words that say where it is."""
    lines = mask("".join(traceback.format_exception(error)))
    try:
        with tempfile.NamedTemporaryFile("w", prefix="sweeper-", suffix=".txt", delete=False) as file:
            file.write(lines)
    except OSError as fault:
        return f"its traceback could not be written ({fault.strerror})"
    return f"the traceback is in {file.name}"
