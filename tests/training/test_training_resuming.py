"""Protects that a trial killed after any epoch goes on to the bit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from running import EPOCHS, assert_same, measured, run, tensors

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
