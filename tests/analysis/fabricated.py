"""Sweeps that never ran: records made by hand, so that a test says in one line what a sweep came to."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from support.sweeps import make_spec

from sweeper.analysis import SweepResults
from sweeper.search import TrialRecord

BEGIN = datetime(2025, 11, 21, 12, 0, 0)

Outcome = float | tuple[float, float] | str
"""A value; for a final that on validation and on test, or one for both; or the state of a trial without a value."""


@dataclass(frozen=True)
class Arm:
    """What one arm came to.

    Attributes:
        search: the outcome of each search trial.
        finals: position of a search trial to the outcomes of its finals.
    """

    search: Sequence[Outcome]
    finals: Mapping[int, Sequence[Outcome]] = field(default_factory=dict)


def trial(number: int, arm: str, outcome: Outcome, source: int | None = None, test: str = "test/nll") -> TrialRecord:
    """Return the record of a trial of five epochs, a final where it has a source."""
    on_validation, on_test = outcome if isinstance(outcome, tuple) else (outcome, outcome)
    ended = not isinstance(on_validation, str)
    parameters = {"model.latent_dim": 8 + (number if source is None else source), "training.optimizer.lr": 0.00125}
    begun = on_validation != "waiting"
    return TrialRecord(
        number=number,
        arm=arm,
        phase="search" if source is None else "finals",
        state="complete" if ended else on_validation,
        parameters=parameters if begun else {},
        config=concrete(parameters, arm) if begun else {},
        seed=1000 + number,
        curve=tuple((1000 * epoch, on_validation + (4 - epoch) ** 2) for epoch in range(1, 6)) if ended else (),
        value=on_validation if ended else None,
        source=source,
        test={test: on_test} if ended and source is not None else {},
        reason="RuntimeError: out of luck" if on_validation == "failed" else None,
        started=BEGIN + timedelta(minutes=number) if begun else None,
        ended=BEGIN + timedelta(minutes=number, seconds=30) if ended else None,
        seconds=30.0 if ended else None,
    )


def concrete(parameters: Mapping[str, Any], arm: str) -> dict[str, Any]:
    """Return the concrete configuration that parameters make."""
    return {
        "data": {"name": "digits"},
        "model": {"name": "vae", "latent_dim": parameters["model.latent_dim"], "backbone": {"name": arm}},
        "objective": {"name": "elbo"},
        "training": {
            "epochs": 5,
            "batch_size": 64,
            "optimizer": {"name": "adam", "lr": parameters["training.optimizer.lr"]},
        },
    }


def fabricate(
    arms: Mapping[str, Arm], folder: Path = Path("sweeps/test"), question: str | None = None, **settings: Any
) -> SweepResults:
    """Return a sweep with those arms; keywords change the ``sweep`` section of its specification."""
    spec = make_spec(backbone={"choose": {arm: {} for arm in arms}}, **{"trials": 60, **settings})
    spec = dataclasses.replace(spec, question=question)
    numbers = count()
    test = "test/" + spec.settings.metric.partition("/")[2]
    search = {arm: [trial(next(numbers), arm, outcome) for outcome in made.search] for arm, made in arms.items()}
    finals = [
        trial(next(numbers), arm, outcome, search[arm][position].number, test)
        for arm, made in arms.items()
        for position, outcomes in made.finals.items()
        for outcome in outcomes
    ]
    return SweepResults(folder, spec, (*(record for records in search.values() for record in records), *finals))
