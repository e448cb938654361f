"""What a trial says after an epoch, and what it is told to do then."""

from dataclasses import dataclass, field
from enum import Enum

from sweeper.comparability import Key


class Decision(Enum):
    """What a trial does after it has reported."""

    CONTINUE = "continue"
    STOP = "stop"


@dataclass(frozen=True)
class Report:
    """What a trial says after an epoch."""

    epoch: int
    images: int
    """Images seen since the trial began, counted in whole epochs of the training split."""
    value: float
    """The validation metric that the sweep ranks by."""
    done: bool
    """Whether this was the last epoch of the trial's configuration."""
    test: dict[str, float] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    """Everything that was measured on validation, the value among it."""
    keys: dict[str, Key] = field(default_factory=dict)
    """The comparability keys of metrics, on validation and on test."""
    signs: dict[str, str] = field(default_factory=dict)
    """What goes wrong in training, by the name of the sign, with the rule and the value that show it."""
    seconds: float = 0.0
    """Seconds of training and evaluation since the trial began, without those in which it was interrupted."""

    @property
    def images_per_epoch(self) -> int:
        """The size of the training split."""
        return self.images // self.epoch
