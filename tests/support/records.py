"""Records of trials that never ran, made in one line."""

from dataclasses import replace
from typing import Any

from sweeper.search import TrialRecord


def made_record(number: int, value: float | None = 1.0, *, arm: str = "fc", **changes: Any) -> TrialRecord:
    """Return the record of a search trial at full length; of a final, measured on test, where it has a source."""
    source = changes.get("source")
    record = TrialRecord(
        number=number,
        arm=arm,
        phase="search" if source is None else "finals",
        state="complete",
        parameters={},
        config={},
        seed=number,
        curve=(),
        value=value,
        source=None,
        test={} if source is None or value is None else {"test/nll": value},
        reason=None,
        started=None,
        ended=None,
    )
    return replace(record, **changes)
