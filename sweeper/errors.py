"""The exceptions that a user may see; each is printed as one line, never as a traceback."""


class SweeperError(Exception):
    """The sweep cannot go on; the command line exits with 1."""


class UsageError(SweeperError):
    """A command, a file or a value in it is wrong; the message says what, where and what is allowed; exit 2."""
