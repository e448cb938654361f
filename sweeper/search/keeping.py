"""Which checkpoints of a sweep are kept: a policy over its trials that knows nothing of files.

Of ended trials the best weights are kept of the N that rank first, and of those that `sweeper export` can take: of each
arm the best final of each configuration, or, where no final was measured yet, the best search trial at full length. A
final that ends may change which configuration stands for an arm, but never makes it one that was passed over here: what
is dropped is not asked for later.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Literal

from sweeper.search.ranking import Ranking
from sweeper.search.records import TrialRecord
from sweeper.spec import SweepSettings
from sweeper.spec.quantities import shown_bytes

Part = Literal["best", "last"]
"""A part of a trial's checkpoints: the weights of its best epochs, or the state to go on from."""
Parts = frozenset[Part]
Kept = Mapping[int, Parts]
"""What is kept of each trial, by its number."""
Size = Callable[[TrialRecord, Parts], int]
"""Returns the bytes that parts of a trial's checkpoints take together."""


def keep(records: Sequence[TrialRecord], settings: SweepSettings, ranking: Ranking | None = None) -> Kept:
    """Return what is kept of each trial, however many bytes it takes; of trials that have not ended that is all.

    ``ranking`` is that of all ended trials of the sweep; ``None`` where ``records`` are all of its trials.
    """
    policy, ranking = settings.checkpoints, ranking or Ranking(settings, records)
    open_ones = {record.number for record in records if not record.finished}
    best = open_ones | ranking.first(policy.best_of_sweep) | ranking.exportable()
    last = {record.number for record in records} if policy.last == "all" else open_ones
    numbers: dict[Part, Collection[int]] = {"best": best, "last": last}
    return {record.number: frozenset(part for part in numbers if record.number in numbers[part]) for record in records}


def keep_within_quota(
    records: Sequence[TrialRecord], settings: SweepSettings, size: Size, ranking: Ranking | None = None
) -> tuple[Kept, str | None]:
    """Return what is kept of each trial under the quota, and one line where what is never dropped takes more than it.

    Trials of which nothing is there may be left out, if ``ranking`` has them: see `keep`.

    What ended trials have to go on from is dropped first, then best weights, both beginning with the trial that ranks
    last; never what running trials need, and never what `export` takes.
    """
    ranking = ranking or Ranking(settings, records)
    kept, quota = dict(keep(records, settings, ranking)), settings.checkpoints.quota_bytes
    if quota is None:
        return kept, None
    taken = sum(size(record, kept[record.number]) for record in records)
    for record, part in _dispensable(records, ranking):
        if taken <= quota:
            break
        rest = kept[record.number] - {part}
        taken -= size(record, kept[record.number]) - size(record, rest)
        kept[record.number] = rest
    return kept, None if taken <= quota else _too_much(records, kept, size, quota)


def _dispensable(records: Sequence[TrialRecord], ranking: Ranking) -> Iterator[tuple[TrialRecord, Part]]:
    """Yield what a quota may drop, the most dispensable first."""
    needed = ranking.exportable()
    ended = sorted((record for record in records if record.finished), key=ranking.place, reverse=True)
    yield from ((record, "last") for record in ended)
    yield from ((record, "best") for record in ended if record.number not in needed)


def _too_much(records: Sequence[TrialRecord], kept: Kept, size: Size, quota: int) -> str:
    """Return the line that says who takes more than the quota: running trials, and what `export` takes."""
    running = [taken for record in records if not record.finished and (taken := size(record, kept[record.number]))]
    ended = sum(size(record, kept[record.number]) for record in records if record.finished)
    needs = "trial needs" if len(running) == 1 else "trials need"
    return (
        f"checkpoints take {shown_bytes(sum(running) + ended)}, more than the quota of {shown_bytes(quota)}: "
        f"{len(running)} running {needs} {shown_bytes(sum(running))}, what export takes {shown_bytes(ended)}"
    )
