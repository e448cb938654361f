"""What the commands that show a trained model are told: where it is, and where the picture goes. Quick to import."""

from dataclasses import dataclass
from pathlib import Path

from sweeper.errors import UsageError

SUFFIX = ".png"


@dataclass(frozen=True)
class Source:
    """Where a trained model comes from."""

    file: Path
    """An exported configuration with its weights beside it, or the folder of a trial or of a training."""
    data_dir: Path | None
    seed: int
    """Decides which images are taken, and every draw."""


@dataclass(frozen=True)
class Output:
    """The PNG file of a picture."""

    path: Path
    force: bool
    """Whether a file that is there may be replaced."""

    def __post_init__(self) -> None:
        """Raise UsageError where the picture cannot be written, before anything is computed for it."""
        if self.path.suffix != SUFFIX:
            raise UsageError(f"found output {str(self.path)!r}; must end in {SUFFIX}")
        if not self.path.parent.is_dir():
            raise UsageError(f"found output {str(self.path)!r}; {str(self.path.parent)!r} must be a folder that exists")
        if self.path.is_dir() or (self.path.exists() and not self.force):
            raise UsageError(f"found {str(self.path)!r} there already; must be a new file, or --force to replace it")
