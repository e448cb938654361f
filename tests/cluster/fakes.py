"""Programs in the place of `ray`, `ssh` and `kubectl`: they note how they were called, and fail when told to."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """\
#!/bin/bash
{ printf '%s\\n' "$(basename "$0")" "$@"; printf '\\0'; } >> "$FAKES/called"
cat /proc/$PPID/cmdline /proc/$$/cmdline | tr '\\0' ' ' >> "$FAKES/seen"
printf '%s\\n' "$(basename "$0") $RAY_USAGE_STATS_ENABLED" >> "$FAKES/environments"
case "$*" in *"tar -xf"*) cat > "$FAKES/received.tar";; esac
while IFS=$'\\t' read -r pattern message; do
    if [[ "$*" == *"$pattern"* ]]; then echo "$message"; exit 1; fi
done < "$FAKES/failing"
echo "$(basename "$0") is content"
"""


@dataclass(frozen=True)
class Fakes:
    """Where the programs lie, and what they have noted."""

    folder: Path

    def install(self, *names: str) -> None:
        self.folder.mkdir()
        (self.folder / "failing").touch()
        for name in names:
            program = self.folder / name
            program.write_text(_PROGRAM)
            program.chmod(0o755)

    def environment(self) -> dict[str, str]:
        return {"FAKES": str(self.folder), "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}"}

    def fail(self, pattern: str, message: str) -> None:
        """Have every call fail with ``pattern`` in its words."""
        (self.folder / "failing").write_text(f"{pattern}\t{message}\n")

    def mend(self) -> None:
        (self.folder / "failing").write_text("")

    def calls(self) -> list[str]:
        """Return how each program was called, its words in lines."""
        called = self.folder / "called"
        return called.read_text().split("\0")[:-1] if called.exists() else []

    def seen(self) -> str:
        """Return what everybody on the machine could read of the calls, and of who made them."""
        return (self.folder / "seen").read_text()
