"""What is allowed but known not to work, told to the user."""

from collections.abc import Iterable

from rich.console import Console


def warn(warnings: Iterable[str]) -> None:
    """Print each warning as one line on stderr."""
    console = Console(stderr=True)
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, highlight=False, soft_wrap=True)
