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
    evaluating: float = 0.0
    """Those of them that evaluation took, with its pictures."""
    metrics: dict[str, float] = field(default_factory=dict)
    """What the last epoch came to."""
    best_epoch: int = 0
    """The epoch with the best value so far; 0 while no value was finite."""
    best: float = math.nan

    @property
    def best_is_last(self) -> bool:
        """Whether the last epoch is the best so far."""
        return self.epoch == self.best_epoch > 0

    def affords(self, training: float, evaluating: float, evaluation: Evaluation) -> bool:
        """Say whether so many seconds more of training and of evaluation keep evaluation within its share."""
        return self.evaluating + evaluating <= evaluation.share * (self.seconds + training + evaluating)

    def after(
        self, training: float, evaluating: float, metrics: dict[str, float], evaluation: Evaluation
    ) -> "Progress":
        """Return the progress after one more epoch, given its seconds of training and of evaluation, and its metrics.

        It may not have been measured. "evaluation_share" is added to the metrics: that of the trial until then.
        """
        epoch, value = self.epoch + 1, metrics.get(evaluation.metric, math.nan)
        best = (epoch, value) if evaluation.improves(value, self.best) else (self.best_epoch, self.best)
        seconds, evaluating = self.seconds + training + evaluating, self.evaluating + evaluating
        return Progress(epoch, seconds, evaluating, metrics | {"evaluation_share": evaluating / seconds}, *best)

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
            evaluating=float(content["evaluating"]),
            metrics=strict_json.floats(dict(content["metrics"])),
            best_epoch=int(content["best_epoch"]),
            best=float(content["best"]),
        )
