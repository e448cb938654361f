"""A sweep's journal written anew, with its trials in a wider search space.

Optuna holds every trial to the options that the first one had, and its samplers take ranges from past trials, so that
in the old journal what was added would never be tried. All else is as it was: states, the metric at every step,
moments, attributes of trials and studies. Trials that were not handed out are left out; the sweep asks for them again.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from optuna.storages import BaseStorage
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from sweeper.search.history import History, write_history
from sweeper.search.storage import open_storage, read_storage, readable
from sweeper.search.translation import Translator
from sweeper.spec import Spec


def rewrite(folder: Path, target: Path, old: Spec, history: History) -> None:
    """Write the journal of the sweep in ``folder``, made under ``old``, into the empty folder ``target``.

    Its trials are put into the search space of the history's specification, which must have passed `check_widening`.
    """
    source, written = read_storage(folder), open_storage(target)
    with readable(folder):
        for study in source.get_all_studies():
            arm = study.study_name.partition("/")[2]
            if arm in history.spec.arms:  # Any other had no trial.
                translator = Translator(old.space(arm), history.spec.space(arm))
                trials = source.get_all_trials(source.get_study_id_from_name(study.study_name))
                with written.change():  # One wait for the disk.
                    into = _copy_study(study, written)
                    for trial in _placed(trials, translator):
                        written.create_new_trial(into, template_trial=trial)
    write_history(written, history)


def _copy_study(study: FrozenStudy, written: BaseStorage) -> int:
    """Make a study like ``study`` without its trials; return its id."""
    into = written.create_new_study(study.directions, study.study_name)
    for name, content in study.user_attrs.items():
        written.set_study_user_attr(into, name, content)
    for name, content in study.system_attrs.items():
        written.set_study_system_attr(into, name, content)
    return into


def _placed(trials: Iterable[FrozenTrial], translator: Translator) -> Iterator[FrozenTrial]:
    """Yield the trials that were handed out, each in the new space."""
    for trial in trials:
        config = trial.user_attrs.get("config")
        if trial.state is not TrialState.WAITING and config:
            placed = translator.place(trial.params, config)
            trial.params, trial.distributions = placed.parameters, placed.distributions
            yield trial
