"""Protects trials from files that would falsify them: each is refused with what must stay; the rest may go."""

from pathlib import Path
from unittest.mock import patch

import pytest
from support.sweeps import make_spec, simulated
from widened import NOW, begin, changed, leave_in_the_middle, quick_disk

from sweeper.errors import UsageError
from sweeper.execution.widening import widen

_quick_disk = pytest.fixture(autouse=True)(quick_disk)


MUST_STAY = {
    "name": (["name=other"], 'name: found "other"; must stay "test", after which its folder is named'),
    "metric": (["sweep.metric=val/fld"], 'sweep.metric: found "val/fld"; must stay "val/nll", by which its trials are'),
    "mode": (["sweep.mode=maximize"], 'sweep.mode: found "maximize"; must stay nothing, by which its trials are'),
    "arms": (["sweep.arms=model.latent_dim"], 'sweep.arms: found "model.latent_dim"; must stay "model.backbone", of'),
    "seed": (["sweep.seed=1"], "sweep.seed: found 1; must stay 0, from which the seeds of its trials derive"),
    "stopping": (["sweep.stopping=none"], 'sweep.stopping.name: found "none"; must stay "asha", by which its trials'),
    "factor": (["sweep.stopping.factor=4"], "sweep.stopping.factor: found 4; must stay 3, by which its trials were"),
    "images": (["sweep.evaluation.images=50"], "sweep.evaluation.images: found 50; must stay 100, on which its trials"),
    "k": (["sweep.evaluation.k=5"], "sweep.evaluation.k: found 5; must stay 100, with which its trials were measured"),
    "final_k": (
        ["sweep.evaluation.final_k=9"],
        "sweep.evaluation.final_k: found 9; must stay 5000, with which its fin",
    ),
    "trials": (
        ["sweep.trials=10"],
        "sweep.trials: found 10 for 2 arms; must be at least 12, as 6 of arm fc have begun",
    ),
    "share": (
        ["model.backbone.choose.draw={}"],
        "sweep.trials: found 12 for 3 arms; must be at least 18, as 6 of arm fc have begun",
    ),
    "no finals": (["sweep.finals=null"], "sweep.finals: found none; must stay, as 4 of them have begun"),
    "seeds": (["sweep.finals.seeds=1"], "sweep.finals.seeds: found 1; must be at least 2, as 2 finals of trial "),
    "grid": (["sweep.search=grid"], "sweep.search.name: found grid; must stay tpe or become any other, as 16 trials"),
    "epochs": (["training.epochs=60"], "training.epochs: found 60; must stay 9, lest it falsify 16 trials"),
    "another kind of number": (["training.epochs=9.0"], "training.epochs: found 9.0; must stay 9, lest it falsify 16"),
    "a range without the value": (
        ["training.epochs={int: [10, 60]}"],
        'training.epochs: found {"int": [10, 60]}; must still hold 9, lest it falsify 16 trials',
    ),
    "what was not there": (["model.dropout=0.1"], "model.dropout: found 0.1; must stay out, lest it falsify 16 trials"),
    "a parameter that was not there": (
        ["model.dropout={choice: [0, 0.1]}"],
        "model.dropout: found [0, 0.1]; must stay without such a parameter, lest it falsify 16 trials",
    ),
    "what is taken away": (["data={name: mnist}"], 'data.name: found "mnist"; must stay "digits", lest it falsify 16'),
    "options": (
        ["model.latent_dim={choice: [64]}"],
        "model.latent_dim: found [64]; must still hold 2, among others, lest it falsify 16 trials",
    ),
    "a narrow range": (
        ["training.optimizer.lr={float: [0.009, 0.01], log: true}"],
        'training.optimizer.lr: found {"float": [0.009, 0.01], "log": true}; must still hold ',
    ),
    "steps between values": (
        ["training.optimizer.lr={float: [0, 1], step: 0.5}"],
        'training.optimizer.lr: found {"float": [0.0, 1.0], "step": 0.5}; must still hold ',
    ),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that has ended, which no test changes."""
    spec = make_spec(trials=12)
    with patch("os.fsync"):
        folder = begin(tmp_path_factory.mktemp("finished"), spec)
        simulated(spec, folder)
    return folder


@pytest.mark.parametrize("case", MUST_STAY.values(), ids=MUST_STAY)
def test_what_would_falsify_trials_is_refused_and_named(finished: Path, case: tuple[list[str], str]) -> None:
    overrides, message = case
    wide = changed(make_spec(trials=12), *overrides)
    before = {path: path.read_bytes() for path in finished.glob("*") if path.is_file()}
    with pytest.raises(UsageError) as refused:
        widen(finished, wide, NOW)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert {path: path.read_bytes() for path in finished.glob("*") if path.is_file()} == before


def test_an_arm_with_trials_is_missed(finished: Path) -> None:
    wide = make_spec(trials=12, backbone={"choose": {"fc": {"hidden": 64, "layers": 1}}})
    with pytest.raises(UsageError, match=r'model.backbone: found \["fc"\]; must still hold conv, lest it falsify 8 '):
        widen(finished, wide, NOW)


def test_what_no_trial_has_tried_may_go(tmp_path: Path) -> None:
    spec = make_spec(trials=4, finals=None)
    before = simulated(spec, begin(tmp_path, spec))
    rates = [record.config["training"]["optimizer"]["lr"] for record in before]
    narrow = changed(spec, f"training.optimizer.lr={{float: [{min(rates)!r}, {max(rates)!r}], log: true}}")
    widen(tmp_path, changed(narrow, "sweep.trials=24"), NOW)
    after = simulated(changed(narrow, "sweep.trials=24"), tmp_path)
    assert after[:4] == before
    assert all(min(rates) <= record.config["training"]["optimizer"]["lr"] <= max(rates) for record in after)


def test_before_a_final_has_begun_finals_may_be_measured_otherwise(tmp_path: Path) -> None:
    spec = make_spec(trials=4)
    leave_in_the_middle(spec, begin(tmp_path, spec), trials=0)
    wide = changed(spec, "sweep.evaluation.final_k=9", "sweep.finals={top: 1, seeds: 1}", "sweep.search=random")
    assert {change.path for change in widen(tmp_path, wide, NOW)} >= {"sweep.evaluation.final_k", "sweep.finals.seeds"}
