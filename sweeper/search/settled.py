"""Which settings of a sweep its trials have settled: how they were ranked, stopped and measured, and their number."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sweeper.errors import UsageError
from sweeper.search.changes import Difference, differences, in_words
from sweeper.search.plan import allow
from sweeper.search.records import TrialRecord
from sweeper.spec import Spec
from sweeper.spec.values import dotted

_SETTLED = {
    "name": "after which its folder is named",
    "sweep.metric": "by which its trials are ranked",
    "sweep.mode": "by which its trials are ranked",
    "sweep.arms": "of which its arms are made",
    "sweep.seed": "from which the seeds of its trials derive",
    "sweep.stopping": "by which its trials were stopped or not",
    "sweep.evaluation.every": "after which its trials were measured",
    "sweep.evaluation.images": "on which its trials were measured",
    "sweep.evaluation.k": "with which its trials were measured",
}
"""What no sweep can change, and what it is to the trials that there are."""

_PLANNED = ("every", "images")
"""What a file may leave to auto, and a sweep has numbers for."""

_SETTLED_BY_FINALS = {
    "sweep.evaluation.final_k": "with which its finals are measured",
    "sweep.evaluation.final_images": "on which its finals are measured",
}


def keep_plan(old: Spec, new: Spec) -> Spec:
    """Return ``new`` with the numbers that were planned under ``old`` for what it leaves to auto."""
    planned = old.settings.evaluation
    left = {name: getattr(planned, name) for name in _PLANNED if getattr(new.settings.evaluation, name) == "auto"}
    evaluation = new.settings.evaluation.model_copy(update=left)
    return replace(new, settings=new.settings.model_copy(update={"evaluation": evaluation}))


def check_settings(old: Spec, new: Spec, begun: Sequence[TrialRecord]) -> None:
    """Raise UsageError where settings differ that the trials which have begun have settled."""
    finals = [record for record in begun if record.phase == "finals"]
    settled = _SETTLED | (_SETTLED_BY_FINALS if finals else {})
    for difference in differences(old.plain(), new.plain()):
        _check_unchanged(old, new, difference, settled)
    _check_search(old, new, begun)
    _check_trials(new, [record for record in begun if record.phase == "search"])
    _check_finals(old, new, finals)


def _check_unchanged(old: Spec, new: Spec, difference: Difference, settled: dict[str, str]) -> None:
    name = dotted(difference.path)
    role = next((role for path, role in settled.items() if f"{name}.".startswith(f"{path}.")), None)
    in_name_only = name == "sweep.mode" and old.settings.direction == new.settings.direction
    if role is not None and not in_name_only:
        must = f"must stay {in_words(difference.before)}, {role}"
        raise new.error(difference.path, f"found {in_words(difference.after)}; {must}")


def _check_search(old: Spec, new: Spec, begun: Sequence[TrialRecord]) -> None:
    """Refuse a grid after trials that were searched otherwise: it would be cut short by as many as there are."""
    before, after = old.settings.search.name, new.settings.search.name
    if begun and after == "grid" != before:
        must = f"must stay {before} or become any other, as {len(begun)} trials have begun that are on no grid"
        raise new.error(("sweep", "search", "name"), f"found grid; {must}")


def _check_trials(new: Spec, search: Sequence[TrialRecord]) -> None:
    """Refuse fewer trials than have begun; seconds need no such rule, since what is spent ends the search."""
    share = allow(new, workers=1).trials
    arm, most = _most(record.arm for record in search)
    if share is not None and share < most:
        must = f"must be at least {most * len(new.arms)}, as {most} of arm {arm} have begun"
        raise new.error(("sweep", "trials"), f"found {new.settings.trials} for {len(new.arms)} arms; {must}")


def _check_finals(old: Spec, new: Spec, finals: Sequence[TrialRecord]) -> None:
    """Refuse fewer finals than have begun."""
    if not finals or old.settings.finals == new.settings.finals:
        return
    wanted = new.settings.finals
    if wanted is None:
        raise new.error(("sweep", "finals"), f"found none; must stay, as {len(finals)} of them have begun")
    arm, top = _most(arm for arm, _ in {(record.arm, record.source) for record in finals})
    if wanted.top < top:
        raise _too_few(new, "top", wanted.top, f"{top}, as finals of {top} configurations of arm {arm} have begun")
    source, seeds = _most(f"trial {record.source}" for record in finals)
    if wanted.seeds < seeds:
        raise _too_few(new, "seeds", wanted.seeds, f"{seeds}, as {seeds} finals of {source} have begun")


def _too_few(new: Spec, key: str, found: int, least: str) -> UsageError:
    return new.error(("sweep", "finals", key), f"found {found}; must be at least {least}")


def _most(names: Iterable[str]) -> tuple[str, int]:
    """Return what there is most of, and how many of that there are."""
    return max(Counter(names).items(), key=lambda item: item[1], default=("", 0))
