"""How far a trial has come: the numbers of a checkpoint."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from sweeper import strict_json
from sweeper.training.job import Evaluation, Measured


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
    best: tuple[Measured, ...] = ()
    """The best epochs so far whose weights are kept, the best first; none while no value was finite."""

    @property
    def best_epoch(self) -> int:
        """The epoch with the best value so far; 0 while no value was finite."""
        return self.best[0].epoch if self.best else 0

    def affords(self, training: float, evaluating: float, evaluation: Evaluation) -> bool:
        """Say whether so many seconds more of training and of evaluation keep evaluation within its share."""
        return self.evaluating + evaluating <= evaluation.share * (self.seconds + training + evaluating)

    def after(
        self, training: float, evaluating: float, metrics: dict[str, float], evaluation: Evaluation
    ) -> "Progress":
        """Return the progress after one more epoch, given its seconds of training and of evaluation, and its metrics.

        It may not have been measured. "evaluation_share" is added to the metrics: that of the trial until then.
        """
        last = Measured(self.epoch + 1, metrics.get(evaluation.metric, math.nan))
        seconds, evaluating = self.seconds + training + evaluating, self.evaluating + evaluating
        metrics = metrics | {"evaluation_share": evaluating / seconds}
        return Progress(last.epoch, seconds, evaluating, metrics, evaluation.best([*self.best, last]))

    def to_values(self) -> dict[str, Any]:
        """Return the progress as values that `sweeper.strict_json` writes."""
        return {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "evaluating": self.evaluating,
            "metrics": self.metrics,
            "best": [list(one) for one in self.best],
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_values` returned; raise ValueError, KeyError or TypeError for anything else."""
        return cls(
            epoch=int(values["epoch"]),
            seconds=float(values["seconds"]),
            evaluating=float(values["evaluating"]),
            metrics=strict_json.floats(dict(values["metrics"])),
            best=tuple(Measured(int(epoch), float(value)) for epoch, value in values["best"]),
        )
