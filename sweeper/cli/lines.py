"""Lines of text as they are: nothing in them is taken for markup, and no terminal is too narrow for them."""

from rich.console import Console


def print_lines(*lines: str) -> None:
    """Print each line on standard output."""
    console = Console()
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
