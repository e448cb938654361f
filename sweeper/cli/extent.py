"""How large a sweep is, and how far it is."""

from collections import Counter
from collections.abc import Sequence

from sweeper.search import TrialRecord
from sweeper.spec import Spec


def expected_trials(spec: Spec) -> int | None:
    """Return how many trials a sweep will have; ``None`` where it is bounded by time."""
    settings = spec.settings
    if settings.trials is None:
        return None
    counts = [spec.space(arm).count() if settings.search.name == "grid" else None for arm in spec.arms]
    share = settings.trials // len(spec.arms)
    finals = settings.finals.top * settings.finals.seeds if settings.finals else 0
    return sum(min(share, count or share) + finals for count in counts)


def ended_trials(records: Sequence[TrialRecord]) -> Counter[tuple[str, str]]:
    """Return how many trials have ended, by arm and state."""
    return Counter((record.arm, record.state) for record in records if record.finished)
