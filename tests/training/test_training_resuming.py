"""Protects that a trial killed after any epoch goes on to the bit, and that it goes on with nothing else."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from running import EPOCHS, assert_same, measured, run, tensors
from safetensors.torch import load_file

from sweeper.errors import SweeperError
from sweeper.training import trial as trial_module
from sweeper.training.job import Job
from sweeper.training.trial import Trial

MakeJob = Callable[..., Job]

VARIANTS: dict[str, dict[str, Any]] = {
    "dynamic": {},
    "static": {"likelihood": {"name": "bernoulli", "binarization": "static"}},
    "none": {"likelihood": {"name": "bernoulli", "binarization": "none"}},
    "rmsprop": {"optimizer": {"name": "rmsprop", "momentum": 0.5}},
    "sgd": {"optimizer": {"name": "sgd", "lr": 1e-4}},
    "sgd with momentum": {"optimizer": {"name": "sgd", "lr": 1e-4, "momentum": 0.9, "weight_decay": 0.1}},
    "warm-up": {"objective": {"name": "elbo", "beta": 2.0, "warmup": 2.5, "k": 2}},
    "iwae": {"objective": {"name": "iwae", "k": 3}},
    "batch norm and dropout": {"backbone": {"norm": "batch", "dropout": 0.3}},
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS.keys())
def test_a_trial_killed_after_every_epoch_equals_one_never_interrupted(
    make_job: MakeJob, variant: dict[str, Any]
) -> None:
    whole, killed = make_job("whole", test=True, **variant), make_job("killed", test=True, **variant)
    expected = run(whole)
    results = [Trial(killed).advance()]
    for _ in range(EPOCHS - 1):
        resumed = Trial(killed)
        assert resumed.advance() == results[-1], "a resumed trial does not say again what may not have been heard"
        results.append(resumed.advance())
    resumed.close()
    assert [measured(result.metrics) for result in results] == [measured(result.metrics) for result in expected]
    assert [(r.epoch, r.images, r.done, r.test) for r in results] == [
        (r.epoch, r.images, r.done, r.test) for r in expected
    ]
    assert_same(killed.folder, whole.folder)


@pytest.mark.parametrize("lost", ["save_last", "keep_as_best"])
def test_a_kill_between_curve_checkpoint_and_best_changes_nothing(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    whole, killed = make_job("whole"), make_job("killed")
    run(whole)
    trial = Trial(killed)
    for _ in range(EPOCHS - 1):
        trial.advance()

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(trial_module, lost, die)
        with pytest.raises(Killed):
            trial.advance()
    resumed = Trial(killed)
    results = [resumed.advance()]
    while not results[-1].done:
        results.append(resumed.advance())
    resumed.close()
    assert [result.epoch for result in results] == ([2, 3] if lost == "save_last" else [3])
    assert_same(killed.folder, whole.folder)


def test_training_draws_on_nothing_but_the_seed(make_job: MakeJob) -> None:
    state = torch.get_rng_state()
    run(make_job("first"))
    torch.manual_seed(12345)
    run(make_job("second"))
    assert_same(make_job("second").folder, make_job("first").folder)
    torch.set_rng_state(state)
    run(make_job("other", seed=6))
    assert not tensors(make_job("other").folder)["last/state.safetensors:batches.ahead"].equal(
        tensors(make_job("first").folder)["last/state.safetensors:batches.ahead"]
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"backbone": {"hidden": 9}},
            r"last: a checkpoint of another model: encoder\.\S+ is \[9, 64\]; must be \[8, 64",
        ),
        ({"backbone": {"layers": 2}}, "last: a checkpoint of another model: .* is only in one of the two"),
    ],
)
def test_a_checkpoint_of_another_model_is_told_in_one_line(
    make_job: MakeJob, source: dict[str, Any], message: str
) -> None:
    job, other = make_job(), make_job("other", **source)
    Trial(other).advance()
    shutil.copytree(other.folder, job.folder)
    with pytest.raises(SweeperError, match=message) as raised:
        Trial(job)
    assert "\n" not in str(raised.value)


def test_a_state_of_another_training_is_told_in_one_line(make_job: MakeJob) -> None:
    job = make_job()
    Trial(job).advance()
    for state in ({}, {"noise": torch.zeros(3, dtype=torch.uint8)}):
        trial_module.save_last(
            job.folder,
            trial_module.Checkpoint(
                load_file(job.folder / "last" / "model.safetensors"), state, trial_module.Progress(1)
            ),
        )
        with pytest.raises(SweeperError, match="last: no state to go on from ") as raised:
            Trial(job)
        assert "\n" not in str(raised.value)
