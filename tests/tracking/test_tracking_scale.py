"""Protects what a round of the mirror asks of MLflow, and reads anew, from growing with the trials before it."""

from contextlib import closing
from pathlib import Path

import pytest
from fabricated_folder import Folder
from support.recorded_mlflow import RecordedMlflow

from sweeper.search import records
from sweeper.tracking.mirror import Mirror


class Work:
    """What rounds of the mirror of a sweep of so many ended trials come to, each with one new result."""

    def __init__(self, home: Path, trials: int, monkeypatch: pytest.MonkeyPatch) -> None:
        folder, client = Folder(home, f"sweep-{trials}"), RecordedMlflow()
        for _ in range(trials):
            number = folder.begin()
            folder.epochs(number, 1)
            folder.end(number)
        number = folder.begin()
        read: list[object] = []
        with closing(Mirror(folder.path, "http://localhost", connect=client.connect)) as mirror:
            assert mirror.synchronise()
            assert mirror.synchronise()  # Trials that have ended are looked at once more.
            original = records.record_of
            monkeypatch.setattr(records, "record_of", lambda *of: read.append(of) or original(*of))
            requests, metrics = client.requests.copy(), client.metrics
            assert mirror.synchronise()
            assert (client.requests, read) == (requests, [])
            folder.epochs(number, 1)
            assert mirror.synchronise()
            self.one_result = (client.requests - requests, client.metrics - metrics, len(read))
            requests, metrics = client.requests.copy(), client.metrics
            folder.end(number)
            assert mirror.synchronise()
            self.one_end = (client.requests - requests, client.metrics - metrics, len(read))


def test_a_result_is_one_request_and_one_trial_read_however_many_there_were(tmp_path, monkeypatch):
    few, many = (Work(tmp_path, trials, monkeypatch) for trials in (3, 60))
    assert few.one_result == many.one_result
    assert few.one_end == many.one_end
    requests, _, read = many.one_result
    assert (requests, read) == ({"log_batch": 1}, 1)
