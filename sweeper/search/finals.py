"""Finals: the best of an arm, trained again in full with fresh seeds.

The best value of a search is the luckiest of many looks; fresh seeds take the luck away before anything is claimed.
"""

import math
from collections.abc import Sequence

from sweeper.search.records import TrialRecord
from sweeper.seeds import derive_seed
from sweeper.spec import SweepSettings


def finalists(search: Sequence[TrialRecord], settings: SweepSettings) -> list[TrialRecord]:
    """Return the best trials of an arm, best first, each configuration once.

    Trials at full length come first. Where there are too few, those that were stopped latest make up the number: an arm
    whose every trial was stopped still has a best one, and finals train it in full. Last come those that were stopped
    because training had gone wrong.
    """
    if settings.finals is None:
        return []

    def rank(record: TrialRecord) -> tuple[bool, float, float, int]:
        stopped = record.state == "pruned"
        gone_wrong = stopped and any(name in record.signs for name in settings.stopping.signs)
        missing = 1 / record.curve[-1][0] if stopped else 0.0
        return gone_wrong, missing, settings.sign * _value(record), record.number

    distinct: list[TrialRecord] = []
    for record in sorted(filter(_is_measured, search), key=rank):
        if all(record.config != other.config for other in distinct):
            distinct.append(record)
        if len(distinct) == settings.finals.top:
            break
    return distinct


def finals_of(
    chosen: Sequence[TrialRecord], finals: Sequence[TrialRecord], settings: SweepSettings
) -> list[tuple[TrialRecord, int]]:
    """Return the finals that are due and not among ``finals``: one of the ``chosen`` and a fresh seed each.

    The seed depends on the finalist and the repetition alone, so that it does not matter in which order arms finish.
    """
    if settings.finals is None:
        return []
    written = {(record.source, record.seed) for record in finals}
    due = [
        (finalist, derive_seed(settings.seed, "final", finalist.number, repetition))
        for finalist in chosen
        for repetition in range(settings.finals.seeds)
    ]
    return [(finalist, seed) for finalist, seed in due if (finalist.number, seed) not in written]


def _is_measured(record: TrialRecord) -> bool:
    return record.state in ("complete", "pruned") and bool(record.curve) and math.isfinite(_value(record))


def _value(record: TrialRecord) -> float:
    """Return the metric of a trial; NaN for one that was told none."""
    return math.nan if record.value is None else record.value
