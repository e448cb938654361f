"""Under which specification the trials of a sweep were made, and what was changed of it while the sweep ran.

`sweep.yaml` is what is wanted; this, in the journal with the trials, is what was. Both stand in one attribute of the
journal's first study, so that a kill leaves the one before or the one after.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.storages import BaseStorage

from sweeper.search.changes import Change
from sweeper.search.replica import Replica
from sweeper.search.storage import JOURNAL, open_storage, open_study, read_storage, readable
from sweeper.spec import Spec, parse_spec

HISTORY = "history"


@dataclass(frozen=True)
class History:
    """What a sweep is, and how it became that."""

    spec: Spec
    """The specification under which the trials were made."""
    changes: tuple[Change, ...] = ()
    """Those that led to it from the one that the sweep began with."""


def record_spec(folder: Path, spec: Spec, replica: Replica | None = None) -> None:
    """Write down, in a journal that has no history yet, under which specification the trials are made."""
    write_history(open_storage(folder, replica), History(spec))


def recorded_changes(folder: Path) -> tuple[Change, ...]:
    """Return what was changed of a sweep since it began, the oldest first."""
    history = read_history(folder)
    return () if history is None else history.changes


def read_history(folder: Path) -> History | None:
    """Return the history of the sweep in ``folder``, ``None`` where there is none, as in sweeps of older versions.

    Raises SweeperError where the journal is damaged.
    """
    storage = read_storage(folder)
    with readable(folder):
        studies = storage.get_all_studies()
        plain = studies[0].user_attrs.get(HISTORY) if studies else None
        return None if plain is None else _parsed(plain, f"{folder / JOURNAL}: {HISTORY}")


def write_history(storage: BaseStorage, history: History) -> None:
    """Write the history into a journal, whose first study is made where there is none."""
    spec = history.spec
    if not storage.get_all_studies():
        open_study(storage, "search", spec.arms[0], spec.settings.direction)
    first = storage.get_study_id_from_name(storage.get_all_studies()[0].study_name)
    storage.set_study_user_attr(first, HISTORY, _plain(history))


def _plain(history: History) -> dict[str, Any]:
    return {"spec": history.spec.to_yaml(), "changes": [change.to_json() for change in history.changes]}


def _parsed(plain: Mapping[str, Any], source: str) -> History:
    return History(parse_spec(plain["spec"], source), tuple(map(Change.from_json, plain["changes"])))
