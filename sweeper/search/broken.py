"""Arms that fail everywhere: when an arm's trials so far are no reason to begin another."""

from collections.abc import Sequence

from sweeper.search.records import TrialRecord


def why_broken(arm: str, search: Sequence[TrialRecord], limit: int, trials: int | None) -> str | None:
    """Return in one line why an arm of ``trials`` trials begins no further one, ``None`` where it may.

    It may while fewer than ``limit`` of its search trials failed, or any ended otherwise. That follows from the records
    alone, so that a resumed sweep comes to the same.
    """
    if any(record.state in ("complete", "pruned") for record in search):  # Seldom looks beyond the first trials.
        return None
    ended = [record for record in search if record.finished]
    if len(ended) < limit:
        return None
    rest = "" if trials is None else f" of its {trials}"
    return (
        f"the first {len(ended)} trials of arm {arm} all failed, the last one: {ended[-1].reason}; "
        f"it begins no more{rest}"
    )
