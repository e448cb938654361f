"""Early signs that training has gone wrong, each by a stated rule on the trial's own curve.

A *measurement* is an epoch in which the model was measured. But for numbers that are not finite, which nothing mends, a
rule must hold at `PATIENCE` measurements in a row, for one bad epoch is noise, and no trial has a sign before `GRACE`
measurements: what samples and latent variables are in the first epochs tells nothing. Signs come and go; a trial has
those of its last measurement.

diverged
    A term of a loss or a measure is not finite; or the metric that ranks, or the loss of a model of one player, is
    farther from its best than `FAR` times the larger of that best and of what it had gained since the first epoch.
    Losses of GANs, above all those of Wasserstein critics, wander without meaning; they only have to be finite.
posterior_collapsed
    The latent variables tell nothing: their KL is below `LEAST_KL` nats per image, or none of them is active, while
    "val/reconstruction" gains no more. KL warm-up has ended by then, as far as the loss says its weight.
mode_collapsed
    Samples cover fewer than half of the classes, while "val/fld" gains no more.
critic_stopped
    The critic's mean scores of real and of drawn images differ by less than a thousandth of the larger of them, and the
    gradient of its loss, where that is measured, is shorter than `LEAST_GRADIENT`: at the last epochs in which it had a
    turn. Scores alone would not do, since those of a Wasserstein critic are free to drift as a whole.

A model that learns slowly begins like one that has collapsed. It still gains steadily: see `_gains`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TypeAlias

from sweeper.training.job import Evaluation

GRACE = 5
"""Measurements that a trial has before its first sign; with 3, a DCGAN that learned the digits had one at its third."""
PATIENCE = 3
"""Measurements in a row at which a rule must hold."""
FAR = 10.0
"""An autoencoder without a KL in its loss overfits to three times its best bound, which is no divergence."""
LEAST_KL = 0.1
"""Nats per image. On digits, working models have 1 to 11, those with beta 4 or 100 come to 0.01 and 0.0002."""
LEAST_GAP = 1e-3
"""On digits, scores of critics that work differ by 1.8 % and more; batch norm in three layers of a WGAN's left 1e-7."""
LEAST_GRADIENT = 1e-2
"""On digits, gradients are longer than 0.4 where scores only drift, and shorter than 0.0002 in critics that stopped."""
GAIN = 0.1
"""The part of all that was gained which the last third of the measurements must add for a model that still learns."""

Metrics: TypeAlias = Mapping[str, float]


def early_signs(curve: Sequence[Metrics], evaluation: Evaluation, classes: int) -> dict[str, str]:
    """Return the signs of a trial by their names, each with the rule and the value that show it.

    ``curve`` has the metrics of every epoch so far; the data set has so many ``classes`` (0: no labels).
    """
    reasons = {
        "diverged": _diverged(curve, evaluation),
        "posterior_collapsed": _posterior_collapsed(curve),
        "mode_collapsed": _mode_collapsed(curve, classes),
        "critic_stopped": _critic_stopped(curve),
    }
    return {sign: f"{reason}, after epoch {len(curve)}" for sign, reason in reasons.items() if reason}


def _diverged(curve: Sequence[Metrics], evaluation: Evaluation) -> str | None:
    for name, value in curve[-1].items():
        if name.startswith(("train/", "val/")) and not math.isfinite(value):
            return f"{name} is {value}, no finite number"
    ranked = 1.0 if evaluation.direction == "minimize" else -1.0
    return _far_from_best(curve, evaluation.metric, ranked) or _far_from_best(curve, "train/loss", 1.0)


def _far_from_best(curve: Sequence[Metrics], name: str, sign: float) -> str | None:
    """Say that a metric is far from its best; ``sign`` makes smaller values better ones."""
    values = [sign * metrics[name] for metrics in _with(curve, name) if math.isfinite(metrics[name])]
    if len(values) < GRACE:
        return None
    best = min(values)
    limit = FAR * max(abs(best), values[0] - best)
    if min(values[-PATIENCE:]) - best <= limit:
        return None
    return f"{name} is {sign * values[-1]:.4g}, more than {limit:.4g} from its best of {sign * best:.4g}"


def _posterior_collapsed(curve: Sequence[Metrics]) -> str | None:
    measured = _with(curve, "val/kl", "val/reconstruction")
    if not _lasts(_tells_nothing, measured) or _warms_up(curve) or _gains(measured, "val/reconstruction"):
        return None
    kl, active = measured[-1]["val/kl"], measured[-1].get("val/active_units")
    if active == 0:
        return f"no latent variable is active, with a KL of {kl:.2g} nats"
    return f"a KL of {kl:.2g} nats, below {LEAST_KL}"


def _tells_nothing(metrics: Metrics) -> bool:
    return metrics["val/kl"] < LEAST_KL or metrics.get("val/active_units") == 0


def _warms_up(curve: Sequence[Metrics]) -> bool:
    """Say whether the weight of the KL still rises."""
    weights = [metrics["train/beta"] for metrics in _with(curve, "train/beta")[-2:]]
    return len(weights) == 2 and not math.isclose(*weights, rel_tol=1e-3)


def _mode_collapsed(curve: Sequence[Metrics], classes: int) -> str | None:
    measured = _with(curve, "val/modes", "val/fld")
    if not _lasts(lambda metrics: 2 * metrics["val/modes"] < classes, measured) or _gains(measured, "val/fld"):
        return None
    return f"{measured[-1]['val/modes']:.0f} of {classes} classes covered, fewer than half"


def _critic_stopped(curve: Sequence[Metrics]) -> str | None:
    judged = _with(curve, "train/critic_real", "train/critic_fake")
    if not _lasts(_tells_not_apart, judged):
        return None
    real, fake = judged[-1]["train/critic_real"], judged[-1]["train/critic_fake"]
    return f"critic scores of real and drawn images differ by {abs(real - fake):.2g}, below {LEAST_GAP} of {real:.2g}"


def _tells_not_apart(metrics: Metrics) -> bool:
    real, fake = metrics["train/critic_real"], metrics["train/critic_fake"]
    same = abs(real - fake) <= LEAST_GAP * max(abs(real), abs(fake))
    return same and metrics.get("train/gradient_norm/critic", 0.0) < LEAST_GRADIENT


def _with(curve: Sequence[Metrics], *names: str) -> list[Metrics]:
    """Return those epochs that have all of some metrics."""
    return [metrics for metrics in curve if all(name in metrics for name in names)]


def _lasts(rule: Callable[[Metrics], bool], measured: Sequence[Metrics]) -> bool:
    """Say whether a rule holds at each of the last measurements."""
    return len(measured) >= GRACE and all(map(rule, measured[-PATIENCE:]))


def _gains(measured: Sequence[Metrics], name: str) -> bool:
    """Say whether a metric that is better smaller still falls, by its means over thirds of the measurements.

    What a third gains on the one before it is compared with the whole gain: about 0.4 of it where a metric falls
    evenly, however slowly, and next to nothing where it has settled, whatever the number of epochs.
    """
    values = [metrics[name] for metrics in measured]
    third = len(values) // 3
    recent, before = fmean(values[-third:]), fmean(values[-2 * third : -third])
    return before - recent > max(0.0, GAIN * (values[0] - recent))
