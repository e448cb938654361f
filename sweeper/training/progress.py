"""How far a trial has come: the numbers of a checkpoint."""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Self

from sweeper.training import strict_json
from sweeper.training.job import Evaluation


@dataclass(frozen=True)
class Progress:
    """What is known of a trial after an epoch; without arguments, before the first."""

    epoch: int = 0
    seconds: float = 0.0
    """Seconds of training and evaluation since the trial began, whatever was interrupted in between."""
    metrics: dict[str, float] = field(default_factory=dict)
    """What the last epoch came to."""
    best_epoch: int = 0
    """The epoch with the best value so far; 0 while no value was finite."""
    best: float = math.nan

    @property
    def best_is_last(self) -> bool:
        """Whether the last epoch is the best so far."""
        return self.epoch == self.best_epoch > 0

    def after(self, seconds: float, metrics: dict[str, float], evaluation: Evaluation) -> "Progress":
        """Return the progress after one more epoch, which took ``seconds``; it may not have been measured."""
        epoch, value = self.epoch + 1, metrics.get(evaluation.metric, math.nan)
        best = (epoch, value) if evaluation.improves(value, self.best) else (self.best_epoch, self.best)
        return Progress(epoch, self.seconds + seconds, metrics, *best)

    def to_json(self) -> str:
        """Return the progress as strict JSON."""
        return strict_json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote; raise ValueError, KeyError or TypeError for anything else."""
        content = json.loads(text)
        return cls(
            epoch=int(content["epoch"]),
            seconds=float(content["seconds"]),
            metrics=strict_json.floats(dict(content["metrics"])),
            best_epoch=int(content["best_epoch"]),
            best=float(content["best"]),
        )
