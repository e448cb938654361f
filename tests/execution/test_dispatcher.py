"""What lies between the sweep and its engine: jobs out, results in, and that watching changes nothing."""

import pytest
from support.sweeps import make_spec, quality, simulated

from sweeper.errors import SweeperError
from sweeper.execution.dispatcher import Dispatcher, Workplace
from sweeper.execution.listener import Silent
from sweeper.search import Decision, Sweep
from sweeper.training.job import EpochResult, Failure


@pytest.fixture
def make(tmp_path):
    def build(workers=2, listener=None, **sweep):
        spec = make_spec(**sweep)
        place = Workplace(tmp_path, data_dir=tmp_path / "data", workers=workers, device="cpu")
        return Dispatcher(Sweep(spec, tmp_path, workers), spec, place, listener or Silent())

    return build


def epoch(number: int, value: float = 1.0, *, done: bool = False) -> EpochResult:
    return EpochResult(number, number * 100, float(number), {"val/nll": value}, done)


def test_no_more_jobs_at_once_than_workers(make):
    dispatcher = make(workers=2)
    first = dispatcher.next()
    assert dispatcher.next() is not None
    assert dispatcher.next() is None
    dispatcher.take(first.number, epoch(9, done=True))
    assert dispatcher.next() is not None


def test_with_one_worker_nothing_is_asked_for_before_the_trial_before_was_told(make, tmp_path):
    """PITFALLS 15: parameters that were asked for too early depend on the timing."""
    dispatcher = make(workers=1)
    dispatcher.next()
    assert dispatcher.next() is None
    assert len(Sweep(make_spec(), tmp_path, 1).records()) == 1


def test_search_jobs_leave_the_test_set_alone_and_finals_measure_it(make):
    dispatcher = make(
        workers=1,
        trials=2,
        finals={"top": 1, "seeds": 1},
        evaluation={"every": 1, "images": 100, "k": 7, "final_k": 11},
    )
    tests = []
    while (job := dispatcher.next()) is not None:
        tests.append(job.evaluation.test and (job.evaluation.test.k, job.evaluation.test.images))
        assert job.evaluation.validation.k == 7
        dispatcher.take(job.number, epoch(9, done=True))
    assert tests == [None, None, (11, None), (11, None)]


def test_an_exception_in_a_trial_is_told_once_and_not_tried_again(make):
    dispatcher = make()
    job = dispatcher.next()
    assert dispatcher.take(job.number, Failure("ValueError: no")) is Decision.STOP
    assert dispatcher.next().number != job.number


def test_a_listener_hears_of_everything_after_it_was_written_down(tmp_path):
    heard = []

    class Listener(Silent):
        def begun(self, assignment):
            heard.append(("begun", assignment.number))

        def reported(self, assignment, report, decision):
            heard.append((decision.value, assignment.number))

        def failed(self, assignment, reason):
            heard.append(("failed", assignment.number, reason))

    def metric(config, seed, number):
        if seed % 3 == 0:
            raise RuntimeError("x")
        return quality(config, seed, number)

    records = simulated(make_spec(epochs=2), tmp_path, metric=metric, listener=Listener())
    for record in records:
        mine = [event for event in heard if event[1] == record.number]
        epochs = [("continue", record.number)] * (len(record.curve) - 1) + [("stop", record.number)]
        end = [("failed", record.number, "RuntimeError: x")] if record.state == "failed" else epochs
        assert mine == [("begun", record.number), *end]


def test_a_metric_that_the_trial_does_not_report_ends_the_sweep_with_its_name(make):
    dispatcher = make()
    job = dispatcher.next()
    with pytest.raises(SweeperError, match=r"trial 0 reported no 'val/nll'; it reported: other"):
        dispatcher.take(job.number, EpochResult(1, 100, 1.0, {"other": 1.0}, done=False))
