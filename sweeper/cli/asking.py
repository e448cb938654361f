"""Questions to whoever called a command, before something that costs money or ends something."""

from sweeper.errors import UsageError


def agreed(question: str) -> bool:
    """Return the answer to a question; raise UsageError where there is nobody to answer it."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        raise UsageError("found nobody to ask; must be told --yes") from None
