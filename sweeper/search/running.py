"""A trial in work, and how what it comes to is written down. What follows from it is decided elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.trial import TrialState

from sweeper.search.assignment import Assignment
from sweeper.search.report import Report


@dataclass(frozen=True)
class Running:
    """A trial in work: what the worker was told, and where its results are written."""

    assignment: Assignment
    study: optuna.Study
    trial: optuna.Trial
    curve: dict[int, float]
    """The metric by images seen, as far as it is written."""

    def write(self, report: Report, sign: float) -> None:
        """Write down what was reported; ``sign`` makes smaller values of the metric better ones.

        What is written already, and what is empty, is left out.
        """
        told: dict[str, Any] = {
            "images_per_epoch": report.images_per_epoch,
            "keys": {metric: key.to_json() for metric, key in report.keys.items()},
            "signs": report.signs,
            "seconds": report.seconds,
        }
        if _improves(report.value, self.curve, sign):
            told["measured"] = report.measured
        written = self.trial.user_attrs
        for name, content in told.items():
            if content != written.get(name, {}):
                self.trial.set_user_attr(name, content)
        self.trial.report(report.value, step=report.images)
        self.curve[report.images] = report.value

    def end(self, state: TrialState, value: float | None = None, **attributes: Any) -> None:
        """Write down how the trial ended, with what is to be known of it."""
        for name, content in attributes.items():
            self.trial.set_user_attr(name, content)
        self.study.tell(self.trial, value, state=state)


def _improves(value: float, curve: Mapping[int, float], sign: float) -> bool:
    """Say whether a value is better than all of a curve; the first is, whatever it is."""
    return all(sign * value < sign * before for before in curve.values())
