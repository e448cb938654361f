"""What is wrong, or allowed but known not to work, told to the user in one line on stderr, without secrets."""

from collections.abc import Iterable

from rich.console import Console

from sweeper.masking import mask


def warn(warnings: Iterable[str]) -> None:
    """Print each warning as one line."""
    for warning in warnings:
        _tell("warning", warning, "yellow")


def tell_error(message: str) -> None:
    """Print as one line why a command fails."""
    _tell("error", message, "red")


def _tell(kind: str, message: str, style: str) -> None:
    line = " ".join(mask(f"{kind}: {message}").splitlines())
    Console(stderr=True).print(line, style=style, markup=False, highlight=False, soft_wrap=True)
