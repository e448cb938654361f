"""The exceptions that a user may see; each is printed as one line, never as a traceback. And any other in one line."""


class SweeperError(Exception):
    """The sweep cannot go on; the command line exits with 1."""


class UsageError(SweeperError):
    """A command, a file or a value in it is wrong; the message says what, where and what is allowed; exit 2."""


def one_line(error: BaseException) -> str:
    """Return the type of an exception and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
