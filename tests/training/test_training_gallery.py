"""Protects when a trial is drawn, that stepping through its pictures shows training, and that they cost little time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from running import lines, run

from sweeper.training import trial as trial_module
from sweeper.training.evaluation import Evaluator
from sweeper.training.gallery import is_shown
from sweeper.training.job import Evaluation, Job, Precision
from sweeper.training.loop import Trainer
from sweeper.training.trial import Trial

MakeJob = Callable[..., Job]

KINDS = ("interpolation", "latents", "reconstructions", "samples")


ALL_THE_TIME = 1.0


def with_share(job: Job, share: float) -> Job:
    """Return the job with so large a part of its time for evaluation."""
    return replace(job, evaluation=replace(job.evaluation, share=share))


def pictures(job: Job) -> dict[str, bytes]:
    """Return the pictures of epochs by kind and epoch."""
    folder = job.folder / "pictures"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("*/*"))}


def named(*epochs: int) -> list[str]:
    return [f"{kind}/{epoch:04d}.png" for kind in KINDS for epoch in epochs]


@pytest.mark.parametrize(
    ("every", "epochs", "shown"),
    [
        (1, 30, [1, 2, 4, 8, 16, 30]),
        (3, 30, [3, 6, 12, 24, 30]),
        (1, 1, [1]),
        (1, 4, [1, 2, 4]),
        (7, 3, [3]),
        (2, 9, [2, 4, 8, 9]),
    ],
)
def test_shown_are_the_first_measured_epoch_each_with_twice_its_number_and_the_last(
    every: int, epochs: int, shown: list[int]
) -> None:
    evaluation = Evaluation("val/nll", "minimize", Precision(1, 1), every=every)
    found = [epoch for epoch in range(1, epochs + 1) if is_shown(epoch, epochs, evaluation)]
    assert found == shown
    assert all(evaluation.is_due(epoch, epochs) for epoch in found)


def test_a_long_trial_has_few_pictures() -> None:
    evaluation = Evaluation("val/nll", "minimize", Precision(1, 1))
    assert sum(is_shown(epoch, 10_000, evaluation) for epoch in range(1, 10_001)) == 15


def test_a_trial_that_learns_nothing_shows_the_same_at_every_epoch(make_job: MakeJob) -> None:
    """So that what differs between two pictures is training, and no other draws."""
    job = with_share(make_job(optimizer={"name": "sgd", "lr": 1e-30}), ALL_THE_TIME)
    run(job)
    found = pictures(job)
    assert list(found) == named(1, 2, 3)
    for kind in KINDS:
        assert found[f"{kind}/0001.png"] == found[f"{kind}/0002.png"] == found[f"{kind}/0003.png"]


def test_pictures_change_with_the_model_and_change_nothing_of_its_training(make_job: MakeJob) -> None:
    shown, unseen = with_share(make_job("shown"), ALL_THE_TIME), with_share(make_job("unseen"), 0.0)
    results = run(shown)
    found = pictures(shown)
    assert len(set(found.values())) == len(found) == 12
    assert [result.metrics["val/nll"] for result in run(unseen)] == [result.metrics["val/nll"] for result in results]
    assert pictures(unseen) == {}
    assert sorted(path.stem for path in unseen.folder.glob("*.png")) == list(KINDS)


def test_a_trial_killed_after_every_epoch_has_the_pictures_of_one_never_interrupted(make_job: MakeJob) -> None:
    whole, killed = (with_share(make_job(name), ALL_THE_TIME) for name in ("whole", "killed"))
    run(whole)
    Trial(killed).advance()
    for _ in range(2):
        resumed = Trial(killed)
        resumed.advance()
        resumed.advance()
    assert pictures(killed) == pictures(whole)


@dataclass
class Clock:
    """Time that passes in training and in evaluation alone."""

    now: float = 0.0

    def passing(self, seconds: float, function: Callable[..., dict[str, float]]) -> Callable[..., dict[str, float]]:
        def timed(*arguments: object) -> dict[str, float]:
            self.now += seconds
            return function(*arguments)

        return timed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """An epoch of training takes 7 s, a measurement 3 s."""
    clock = Clock()
    monkeypatch.setattr(trial_module, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    monkeypatch.setattr(Trainer, "train_epoch", clock.passing(7, Trainer.train_epoch))
    monkeypatch.setattr(Evaluator, "validate", clock.passing(3, Evaluator.validate))
    return clock


@pytest.mark.usefixtures("clock")
def test_the_share_of_evaluation_is_that_of_the_whole_trial_whoever_ran_it(make_job: MakeJob) -> None:
    job = make_job(epochs=4)
    job = replace(job, evaluation=replace(job.evaluation, every=2))
    Trial(job).advance()
    resumed = Trial(job)
    resumed.advance()
    resumed.advance()
    shares = [line["metrics"]["evaluation_share"] for line in lines(job.folder)]
    assert shares == [pytest.approx(share) for share in (0, 3 / 17, 3 / 24, 6 / 34)]


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("share", "drawn"),
    [
        (0.2, []),  # 3 s of 10 are too many as they are.
        (
            0.45,
            [2],
        ),  # With as many for drawing they would be 6 of 13, an epoch later 9 of 23; drawing takes 10 s, though.
        (0.5, [1]),  # Then an epoch later it would be 26 of 40, and after another one 29 of 50.
        (0.6, [1, 3]),
    ],
)
def test_pictures_are_drawn_where_evaluation_keeps_within_its_share(
    make_job: MakeJob, clock: Clock, monkeypatch: pytest.MonkeyPatch, share: float, drawn: list[int]
) -> None:
    draw = trial_module.Gallery.draw_epoch

    def slowly(gallery: trial_module.Gallery, epoch: int) -> None:
        draw(gallery, epoch)
        clock.now += 10
        gallery._took = 10.0

    monkeypatch.setattr(trial_module.Gallery, "draw_epoch", slowly)
    job = with_share(make_job(), share)
    run(job)
    assert list(pictures(job)) == named(*drawn)
    assert (job.folder / "samples.png").is_file()


@pytest.mark.usefixtures("clock")
def test_drawing_counts_as_evaluation(make_job: MakeJob, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(gallery: object, epoch: int) -> None:
        clock.now += 4

    monkeypatch.setattr(trial_module.Gallery, "draw_epoch", slowly)
    job = with_share(make_job(), ALL_THE_TIME)
    assert Trial(job).advance().metrics["evaluation_share"] == pytest.approx(7 / 14)
