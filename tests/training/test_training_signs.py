"""Protects the early signs: sick trials have theirs, healthy and slow ones have none, and each rule has its grace."""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.spec.algorithms import SIGNS
from sweeper.training.job import Evaluation, Job, Precision
from sweeper.training.signs import GRACE, PATIENCE, early_signs
from sweeper.training.trial import Trial

NLL = Evaluation("val/nll", "minimize", Precision(5, 250))
FLD = Evaluation("val/fld", "minimize", Precision(5, 250), every=2)


def signs(curve: Iterable[dict[str, float]], evaluation: Evaluation = NLL) -> dict[str, str]:
    return early_signs(list(curve), evaluation, classes=10)


def falling(epochs: int, start: float, rate: float, floor: float = 0.0) -> list[float]:
    """Return a loss that loses the same part of what is left after each epoch."""
    return [floor + (start - floor) * rate**epoch for epoch in range(epochs)]


# Divergence


@pytest.mark.parametrize("name", ["train/loss", "train/critic_loss", "val/nll", "val/kl"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_a_sign_at_once(name: str, value: float) -> None:
    healthy = {"train/loss": 3.0, "val/nll": 3.0, name: 3.0}
    assert signs([healthy]) == {}
    assert signs([healthy | {name: value}]) == {"diverged": f"{name} is {value}, no finite number, after epoch 1"}


def test_what_is_no_loss_and_no_measure_may_be_anything() -> None:
    assert signs([{"train/loss": 1.0, "val/nll": 1.0, "images_per_second": math.inf}]) == {}


def exploding(epochs: int, value: float) -> list[dict[str, float]]:
    return [{"val/nll": nll} for nll in [*falling(6, 200.0, 0.7, 80.0), *[value] * epochs]]


def test_a_metric_far_from_its_best_for_long_is_a_sign() -> None:
    assert signs(exploding(PATIENCE - 1, 5000.0)) == {}
    found = signs(exploding(PATIENCE, 5000.0))
    assert found == {"diverged": "val/nll is 5000, more than 1002 from its best of 100.2, after epoch 9"}
    assert signs(exploding(PATIENCE, 1000.0)) == {}, "overfitting is no divergence"


def test_a_metric_that_is_better_larger_diverges_downwards() -> None:
    coverage = replace(NLL, metric="val/coverage", direction="maximize")
    values = [0.01, 0.02, *[-5.0] * GRACE]
    assert set(signs([{"val/coverage": value} for value in values], coverage)) == {"diverged"}
    assert signs([{"val/coverage": -value} for value in values], coverage) == {}


def test_the_loss_of_one_player_is_watched_between_measurements_and_those_of_a_game_are_not() -> None:
    losses = [40.0, 30.0, *[9000.0] * PATIENCE]
    assert len(losses) == GRACE
    assert set(signs([{"train/loss": loss} for loss in losses])) == {"diverged"}
    game = [{"train/critic_loss": -loss, "train/generator_loss": loss} for loss in losses]
    assert signs(game) == {}


# Posterior collapse


def autoencoder(epochs: int, kl: float, rate: float = 0.5, **others: float) -> list[dict[str, float]]:
    return [{"val/reconstruction": loss, "val/kl": kl, **others} for loss in falling(epochs, 40.0, rate, 27.0)]


def test_latent_variables_that_tell_nothing_are_a_sign() -> None:
    assert signs(autoencoder(12, kl=0.099)) == {"posterior_collapsed": "a KL of 0.099 nats, below 0.1, after epoch 12"}
    assert signs(autoencoder(12, kl=0.101)) == {}
    assert signs(autoencoder(GRACE - 1, kl=0.0)) == {}


def test_latent_variables_of_which_none_is_active_are_a_sign() -> None:
    units = {"val/active_units": 0.0}
    reason = "no latent variable is active, with a KL of 0.3 nats, after epoch 12"
    assert signs(autoencoder(12, kl=0.3, **units)) == {"posterior_collapsed": reason}
    assert signs(autoencoder(12, kl=0.3, **{"val/active_units": 1.0})) == {}


def test_a_model_that_learns_slowly_has_not_collapsed() -> None:
    """Measured: a convolutional VAE at a learning rate of 1e-4 has a KL below 0.1 for 27 epochs, and then uses z."""
    assert signs(autoencoder(12, kl=0.02, rate=0.99)) == {}
    assert set(signs(autoencoder(12, kl=0.02, rate=0.5))) == {"posterior_collapsed"}


def test_a_model_in_warm_up_has_not_collapsed() -> None:
    curve = autoencoder(12, kl=0.02)
    rising = [metrics | {"train/beta": epoch / 20} for epoch, metrics in enumerate(curve)]
    assert signs(rising) == {}
    assert set(signs([*rising, *(metrics | {"train/beta": 1.0} for metrics in curve[-2:])])) == {"posterior_collapsed"}


def test_a_model_that_recovers_has_the_sign_no_more() -> None:
    curve = autoencoder(12, kl=0.02)
    assert signs([*curve, {"val/reconstruction": 26.0, "val/kl": 1.5}]) == {}


# Mode collapse


def covering(modes: list[float], fld: list[float]) -> list[dict[str, float]]:
    return [{"val/modes": found, "val/fld": far} for found, far in zip(modes, fld, strict=True)]


def test_samples_of_few_classes_are_a_sign() -> None:
    fld = [*falling(6, 250.0, 0.5, 30.0), *[90.0] * 6]
    reason = "3 of 10 classes covered, fewer than half, after epoch 12"
    assert signs(covering([3.0] * 12, fld), FLD) == {"mode_collapsed": reason}
    assert signs(covering([5.0] * 12, fld), FLD) == {}
    assert signs(covering([*[3.0] * 11, 8.0], fld), FLD) == {}


def test_samples_that_still_get_better_are_no_collapse() -> None:
    """Measured: noise is put into 4 classes, for 20 epochs where the learning rate of a GAN is 5e-5."""
    assert signs(covering([4.0] * 12, falling(12, 250.0, 0.97)), FLD) == {}
    assert set(signs(covering([4.0] * 12, falling(12, 250.0, 0.3, 200.0)), FLD)) == {"mode_collapsed"}


# A critic that stopped


def judging(epochs: int, real: float, fake: float, gradient: float | None = None) -> list[dict[str, float]]:
    norm = {} if gradient is None else {"train/gradient_norm/critic": gradient}
    return [{"train/critic_real": real, "train/critic_fake": fake, **norm}] * epochs


def test_a_critic_that_tells_nothing_apart_is_a_sign() -> None:
    reason = "critic scores of real and drawn images differ by 5e-06, below 0.001 of 0.01, after epoch 5"
    assert signs(judging(GRACE, 0.01, 0.009995)) == {"critic_stopped": reason}
    assert signs(judging(GRACE - 1, 0.01, 0.009995)) == {}
    assert signs(judging(GRACE, 0.01, 0.00998)) == {}
    assert set(signs(judging(GRACE, 0.0, 0.0))) == {"critic_stopped"}


def test_scores_that_drifted_together_are_no_sign_while_the_critic_has_a_gradient() -> None:
    """Measured: a WGAN clipped at 0.05 has scores that differ by 0.03 %, and a gradient of length 0.5."""
    assert signs(judging(GRACE, 5000.0, 4999.0, gradient=0.5)) == {}
    assert set(signs(judging(GRACE, 5000.0, 4999.0, gradient=1e-7))) == {"critic_stopped"}


def test_epochs_without_the_critic_do_not_count() -> None:
    turns = [epoch for judged in judging(GRACE, 0.01, 0.01) for epoch in (judged, {"train/generator_loss": 1.0})]
    assert set(signs(turns)) == {"critic_stopped"}
    assert signs(turns[: GRACE + 1]) == {}


# Trials


def vae(objective: dict[str, Any] | str = "elbo", **optimizer: float) -> dict[str, Any]:
    return {
        "data": {"name": "digits"},
        "model": {"name": "vae", "latent_dim": 8, "backbone": {"name": "fc", "hidden": 64}},
        "objective": objective,
        "training": {"epochs": 10, "batch_size": 64, "optimizer": {"name": "adam", "lr": 3e-3, **optimizer}},
    }


def gan(preset: str, epochs: int, critic: dict[str, Any], **optimizer: Any) -> dict[str, Any]:
    generator = {"name": "fc", "hidden": [64, 128], "norm": "batch", "activation": "leaky_relu"}
    return {
        "data": {"name": "digits"},
        "model": {"name": preset, "latent_dim": 16, "generator": generator, "critic": {"name": "fc", **critic}},
        "training": {
            "epochs": epochs,
            "batch_size": 64,
            "optimizer": optimizer,
            "schedule": {"name": "alternating", "critic_steps": 5},
        },
    }


HEALTHY = {
    "vae": (vae(), NLL),
    "wgan_gp": (gan("wgan_gp", 12, {"hidden": [128, 64]}, name="adam", lr=3e-3, beta1=0.5), FLD),
}
SICK = {
    "posterior_collapsed": (vae({"name": "elbo", "beta": 100.0}), NLL),
    "diverged": (vae(lr=10.0), NLL),
    "critic_stopped": (gan("wgan", 8, {"hidden": [64, 64, 64], "norm": "batch"}, name="rmsprop", lr=5e-4), FLD),
}


@pytest.fixture
def last_signs(tmp_path: Path) -> Callable[[dict[str, Any], Evaluation], dict[str, str]]:
    """Returns a function that trains a configuration to its end and returns its signs there."""

    def train(config: dict[str, Any], evaluation: Evaluation) -> dict[str, str]:
        trial = Trial(Job(0, config, 5, tmp_path / "trial", evaluation))
        while not (result := trial.advance()).done:
            pass
        again = Trial(Job(0, config, 5, tmp_path / "trial", evaluation)).advance()
        assert again.signs == result.signs, "a trial that is taken up again has the same signs"
        return result.signs

    return train


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_trial_has_no_signs(last_signs: Callable[..., dict[str, str]], name: str) -> None:
    assert last_signs(*HEALTHY[name]) == {}


@pytest.mark.parametrize("name", SICK)
def test_a_sick_trial_has_its_sign(last_signs: Callable[..., dict[str, str]], name: str) -> None:
    assert name in last_signs(*SICK[name])


def test_a_sweep_can_stop_by_each_of_these_signs() -> None:
    assert set(sum(SIGNS.values(), ())) == {"diverged", "posterior_collapsed", "mode_collapsed", "critic_stopped"}
