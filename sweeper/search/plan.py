"""Equal budgets: what one arm may spend on searching, in trials or in seconds of training."""

import math
from dataclasses import dataclass

from sweeper.spec import Budget, GridSearch, Spec

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Allowance:
    """The search budget of one arm; a ``None`` does not limit. Finals come on top of it."""

    trials: int | None
    seconds: float | None
    """Seconds of training, summed over the arm's trials, after which no further trial begins."""

    def allows(self, trials: int, seconds: float) -> bool:
        """Say whether an arm that has begun ``trials`` trials of ``seconds`` seconds in all may begin another."""
        return self.left(trials) > 0 and (self.seconds is None or seconds < self.seconds)

    def left(self, trials: int) -> float:
        """Return how many trials an arm that has begun ``trials`` may begin still, infinity where seconds limit it."""
        return math.inf if self.trials is None else self.trials - trials


def allow(spec: Spec, workers: int) -> Allowance:
    """Share the sweep's budget equally among its arms.

    Raises UsageError where the trials cannot be shared equally, since an arm with one trial more is not on equal
    footing, and where a grid was asked for over a range without a step.
    """
    if isinstance(spec.settings.search, GridSearch):
        for arm in spec.arms:
            spec.space(arm).grid()
    arms = len(spec.arms)
    trials = spec.settings.trials
    if trials is not None:
        return Allowance(_share(spec, trials, arms), None)
    if spec.settings.budget is None:  # Read as an error at the border; a spec made in code may still lack both.
        raise spec.error(("sweep",), "needs 'trials' or 'budget'")
    return Allowance(None, _hours(spec.settings.budget) * SECONDS_PER_HOUR * workers / arms)


def _share(spec: Spec, trials: int, arms: int) -> int:
    share, rest = divmod(trials, arms)
    if rest:
        near = [multiple for multiple in (trials - rest, trials - rest + arms) if multiple]
        raise spec.error(
            ("sweep", "trials"),
            f"found {trials}; must be a multiple of {arms}, so that each of the {arms} arms gets as many: "
            + " or ".join(map(str, near)),
        )
    return share


def _hours(budget: Budget) -> float:
    limits = [] if budget.hours is None else [budget.hours]
    if budget.usd is not None and budget.usd_per_hour is not None:
        limits.append(budget.usd / budget.usd_per_hour)
    return min(limits)
