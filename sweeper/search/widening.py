"""What may be changed of a sweep that has begun: whatever leaves its trials what they are.

A trial's configuration is the yardstick: a change of the sections data, model, objective and training is refused where
the new search space does not give a trial the configuration that it was trained with. So options, branches and the ends
of ranges may be added, a fixed value may become a domain that holds it, and what no trial has tried may go.
"""

from collections.abc import Iterable, Iterator, Sequence

from sweeper.search.changes import in_words
from sweeper.search.records import TrialRecord
from sweeper.search.settled import check_settings
from sweeper.search.translation import FalsifiedError, Translator
from sweeper.spec import KeyPath, Spec
from sweeper.spec.nodes import searched
from sweeper.spec.values import dotted


def check_widening(old: Spec, new: Spec, records: Iterable[TrialRecord]) -> None:
    """Raise UsageError where a sweep that goes on under ``new`` would falsify trials made under ``old``."""
    begun = [record for record in records if record.begun]
    check_settings(old, new, begun)
    falsified: dict[KeyPath, list[str]] = {}
    for path, message in (*_without_arm(new, begun), *_without_configuration(old, new, begun)):
        falsified.setdefault(path, []).append(message)
    for path, messages in falsified.items():
        others = ", among others" if len(set(messages)) > 1 else ""
        trials = "1 trial" if len(messages) == 1 else f"{len(messages)} trials"
        raise new.error(path, f"{messages[0]}{others}, lest it falsify {trials}")


def _without_arm(new: Spec, begun: Sequence[TrialRecord]) -> Iterator[tuple[KeyPath, str]]:
    """Yield where the arm of each trial is missing, and in which words, for each trial that has lost it."""
    paths = {dotted(path): path for path, _ in searched(new.tree, {})}
    for record in begun:
        if record.arm not in new.arms:
            message = f"found {in_words(list(new.arms))}; must still hold {record.arm}"
            yield paths.get(new.settings.arms or "", ("sweep", "arms")), message


def _without_configuration(old: Spec, new: Spec, begun: Sequence[TrialRecord]) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is in the way of each trial that would not be in its arm's search space any more."""
    translators = {arm: Translator(old.space(arm), new.space(arm)) for arm in old.arms if arm in new.arms}
    for record in begun:
        try:
            if record.arm in translators:
                translators[record.arm].place(record.parameters, record.config)
        except FalsifiedError as error:
            yield error.path, f"found {error.found}; {error.must}"
