"""Where the mirror reads: a sweep's own folder, or a driver's copy of one in a store, which lacks the trials' files."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from sweeper.curve_line import METRICS
from sweeper.errors import SweeperError
from sweeper.remote.objects import Objects, StoreError
from sweeper.remote.snapshot import TrialCopy
from sweeper.search import TrialRecord
from sweeper.tracking.pictures import PICTURES
from sweeper.tracking.trial import ARTIFACTS, WEIGHTS

_AT_ONCE = 8
"""Trials that are fetched at the same time."""

_logger = logging.getLogger(__name__)


class Files(Protocol):
    """The files of a sweep."""

    @property
    def home(self) -> Path | str:
        """The home of the sweep: a folder, or the URL of a place in a store."""
        ...

    def bring(self, records: Sequence[TrialRecord], *, over: bool) -> None:
        """Make the files of trials in the sweep's folder what they are now; ``over`` says that no driver is at work."""
        ...


class OnDisk:
    """The folder is the sweep's own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder.parent

    def bring(self, records: Sequence[TrialRecord], *, over: bool) -> None:
        """Do nothing: all files are there."""


class InStore:
    """The folder is a copy.

    A worker pushes what it has before the driver is told of it. So while a trial trains there is something to fetch
    where the journal has something new of it, and nowhere else.
    """

    def __init__(self, folder: Path, store: Objects, working: Callable[[], None] = lambda: None) -> None:
        """Fetch the trials of the sweep in ``store``; ``working`` is called before the files of each."""
        self.home = store.url.rpartition("/")[0]
        self._folder = folder / "trials"
        self._trials = store.below("trials")
        self._working = working
        self._copies: dict[int, TrialCopy] = {}
        self._epochs: dict[int, int] = {}

    def bring(self, records: Sequence[TrialRecord], *, over: bool) -> None:
        """Fetch; raise StoreError where the store is of no use. Where files of a trial are damaged, others are not."""
        due = [record for record in records if over or self._has_news(record)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda record: self._fetch(record, over), due))
        self._epochs |= {record.number: len(record.curve) for record in due}

    def _has_news(self, record: TrialRecord) -> bool:
        return record.finished or self._epochs.get(record.number) != len(record.curve)

    def _fetch(self, record: TrialRecord, over: bool) -> None:
        self._working()
        ended = (*ARTIFACTS, *(WEIGHTS if over else ())) if record.finished else ()
        try:
            self._copy(record).fetch((METRICS, PICTURES, *ended))
        except StoreError:
            raise
        except SweeperError as error:
            _logger.warning("%s; skipped", error)

    def _copy(self, record: TrialRecord) -> TrialCopy:
        if record.number not in self._copies:
            folder = self._folder / record.folder
            folder.mkdir(parents=True, exist_ok=True)
            self._copies[record.number] = TrialCopy(self._trials.below(record.folder), folder)
        return self._copies[record.number]
