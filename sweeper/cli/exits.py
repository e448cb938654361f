"""Exit codes that scripts rely on."""

FAILED = 1
USAGE = 2
INTERRUPTED = 130
