"""A connection to MLflow for one sweep, with what is known to be there, until something goes wrong."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sweeper.curve_line import METRICS
from sweeper.search import RecordReader, TrialRecord
from sweeper.search.storage import JOURNAL
from sweeper.spec import read_spec
from sweeper.tracking.content import Content
from sweeper.tracking.files import Files
from sweeper.tracking.pictures import find_pictures
from sweeper.tracking.process import Outcome
from sweeper.tracking.run import Run, stamp
from sweeper.tracking.store import find_runs, open_experiment
from sweeper.tracking.sweep import CLOCK, SPECIFICATION, sweep_content
from sweeper.tracking.trial import ARTIFACTS, trial_content

Connect = Callable[[str], Any]
"""Returns an `MlflowClient` for a URI."""


class Session:
    """Sends a sweep to MLflow, in each round what is new on disk."""

    def __init__(self, folder: Path, uri: str, origin: dict[str, str], connect: Connect, files: Files) -> None:
        self._folder = folder
        self._files = files
        self._origin = origin
        self._spec = read_spec(folder / SPECIFICATION)
        self._reader: RecordReader | None = None
        self._client = connect(uri)
        self._experiment_id = open_experiment(self._client, uri, self._spec.name, files.home)
        found = find_runs(self._client, self._experiment_id, folder.name)
        self._runs = {number: Run(self._client, self._experiment_id, run) for number, run in found.items()}
        self._seen: dict[int, tuple[object, ...]] = {}
        self._settled: set[int] = set()

    def send(self, outcome: Outcome | None) -> None:
        """Send everything that is on disk and not in MLflow; raise what MLflow raises.

        Artifacts come last, so that where they cannot be sent the metrics of all trials still are.
        """
        records = self._begun()
        parent = self._run(None)
        sweep = sweep_content(self._spec, self._folder, records, outcome, parent.latest(CLOCK))
        parent_id = parent.create(sweep, self._origin)
        self._bring(records, over=outcome is not None)
        looks = {record.number: self._look(record, outcome) for record in records}
        changed = [record for record in records if looks[record.number] != self._seen.get(record.number)]
        sent = [self._send_trial(record, parent_id, outcome) for record in changed]
        parent.send(sweep)
        for record, (run, content) in zip(changed, sent, strict=True):
            run.upload(content)
            self._seen[record.number] = looks[record.number]
        parent.upload(sweep)

    def _begun(self) -> list[TrialRecord]:
        if self._reader is None and (self._folder / JOURNAL).is_file():
            self._reader = RecordReader(self._folder)
        records = [] if self._reader is None else self._reader.read()
        return [record for record in records if record.started is not None and record.config]

    def _bring(self, records: Sequence[TrialRecord], *, over: bool) -> None:
        self._files.bring([record for record in records if over or record.number not in self._settled], over=over)

    def _run(self, number: int | None) -> Run:
        return self._runs.setdefault(number, Run(self._client, self._experiment_id))

    def _send_trial(self, record: TrialRecord, parent_id: str, outcome: Outcome | None) -> tuple[Run, Content]:
        content = trial_content(record, self._folder, parent_id, over=outcome is not None)
        run = self._run(record.number)
        run.create(content, self._origin)
        run.send(content)
        return run, content

    def _look(self, record: TrialRecord, outcome: Outcome | None) -> tuple[object, ...]:
        """Return what changes when there is something new of a trial to read; looks before it reads.

        An ended trial is looked at until it is found unchanged, and once more at the end of the sweep: a worker draws
        its last pictures after the driver has told its trial's end.
        """
        number = record.number
        if outcome is None and number in self._settled:
            return self._seen[number]
        folder = self._folder / "trials" / record.folder
        files = (METRICS, *find_pictures(folder), *(ARTIFACTS if record.finished else ()))
        look = (record.state, outcome, record.signs, record.keys, *((name, stamp(folder / name)) for name in files))
        if record.finished and self._seen.get(number) == look:
            self._settled.add(number)
        return look
