"""Finals: the best of an arm, trained again in full with fresh seeds.

The best value of a search is the luckiest of many looks; fresh seeds take the luck away before anything is claimed.
"""

from collections.abc import Sequence

from sweeper.search.records import TrialRecord
from sweeper.seeds import derive_seed
from sweeper.spec import SweepSettings


def finalists(search: Sequence[TrialRecord], settings: SweepSettings) -> list[TrialRecord]:
    """Return the best complete trials of an arm, best first, each configuration once."""
    sign = 1.0 if settings.direction == "minimize" else -1.0
    ranked = sorted(
        (record for record in search if record.state == "complete" and record.value is not None),
        key=lambda record: (sign * (record.value or 0.0), record.number),
    )
    distinct: list[TrialRecord] = []
    for record in ranked:
        if all(record.config != other.config for other in distinct):
            distinct.append(record)
    return distinct[: settings.finals.top] if settings.finals else []


def finals_of(
    search: Sequence[TrialRecord], finals: Sequence[TrialRecord], settings: SweepSettings
) -> list[tuple[TrialRecord, int]]:
    """Return the finals that are due and not among ``finals``: a finalist and a fresh seed each.

    The seed depends on the finalist and the repetition alone, so that it does not matter in which order arms finish.
    """
    if settings.finals is None:
        return []
    written = {(record.source, record.seed) for record in finals}
    due = [
        (finalist, derive_seed(settings.seed, "final", finalist.number, repetition))
        for finalist in finalists(search, settings)
        for repetition in range(settings.finals.seeds)
    ]
    return [(finalist, seed) for finalist, seed in due if (finalist.number, seed) not in written]
