"""Protects that what is allowed but known not to work is found before a sweep is begun, and said once."""

import pytest
import yaml

from sweeper.errors import UsageError
from sweeper.spec import Spec, parse_spec
from sweeper.training.check import check_components


def adversarial(norm: object, regularizer: object) -> Spec:
    """Return a sweep over WGANs, with two extremes of the learning rate."""
    content = {
        "name": "clipped",
        "data": {"name": "digits"},
        "model": {"name": "wgan", "critic": {"name": "fc", "hidden": 8, "norm": norm}},
        "objective": {"name": "adversarial", "loss": "wasserstein", "regularizer": regularizer},
        "training": {
            "epochs": 1,
            "batch_size": 64,
            "optimizer": {"name": "rmsprop", "lr": {"float": [1e-4, 1e-3], "log": True}},
        },
        "sweep": {"metric": "val/fld", "trials": 2, "stopping": "none", "finals": "none"},
    }
    return parse_spec(yaml.safe_dump(content, sort_keys=False))


@pytest.mark.parametrize("norm", ["batch", {"choice": ["none", "batch"]}])
def test_clipping_with_batch_norm_is_warned_of_once(norm: object) -> None:
    (warning,) = check_components(adversarial(norm, "clip"), None)
    assert warning.startswith("<text>:")
    assert ": objective: has the regularizer clip, and the critic has batch norm: it normalizes" in warning


@pytest.mark.parametrize(("norm", "regularizer"), [("none", "clip"), ("batch", "none"), ("layer", "gradient_penalty")])
def test_what_is_known_to_work_is_not_warned_of(norm: str, regularizer: str) -> None:
    assert check_components(adversarial(norm, regularizer), None) == []


def test_a_gradient_penalty_with_batch_norm_is_refused() -> None:
    with pytest.raises(UsageError, match="objective: has the regularizer gradient_penalty, but the critic has batch"):
        check_components(adversarial({"choice": ["none", "batch"]}, "gradient_penalty"), None)


def test_an_objective_that_a_model_comes_with_warns_at_the_model() -> None:
    spec = adversarial("batch", "clip")
    content = yaml.safe_load(spec.to_yaml())
    del content["objective"]
    (warning,) = check_components(parse_spec(yaml.safe_dump(content, sort_keys=False)), None)
    assert ": model.objective: has the regularizer clip" in warning
