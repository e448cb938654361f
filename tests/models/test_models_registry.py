"""Protects the names by which sweep files find components, and the contract that every component keeps."""

import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, fields
from typing import get_type_hints

import pytest

import models
from models import (
    Backbone,
    Condition,
    Likelihood,
    Model,
    Objective,
    Regularizer,
    Schedule,
    UnknownComponentError,
    find,
    names,
    register,
)
from models.presets import VAE

EXPECTED = {
    Model: {
        *("vae", "fc_vae", "conv_vae", "bn_vae", "beta_vae", "residual_vae", "iwae", "iwae2", "draw", "draw_attention"),
        *("pixel_vae", "cvae", "completion_cvae", "m2", "m2_conv", "gan", "lsgan", "wgan", "wgan_gp", "dcgan", "cgan"),
        *("cdcgan", "vae_gan", "cvae_gan", "m2_gan", "draw_gan"),
    },
    Backbone: {"conv", "plain_conv", "residual", "fc"},
    Likelihood: {"bernoulli", "continuous_bernoulli", "beta", "gaussian", "discretized_logistic"},
    Condition: {"none", "label", "pixels"},
    Objective: {"elbo", "iwae", "jensen_shannon", "m2", "adversarial", "learned_similarity", "adversarial_bound"},
    Regularizer: {"none", "clip", "gradient_penalty"},
    Schedule: {"joint", "alternating", "equilibrium"},
}
COMPONENTS = [pytest.param(find(kind, name), id=f"{kind.__name__}-{name}") for kind in EXPECTED for name in names(kind)]


@pytest.mark.parametrize("kind", EXPECTED, ids=lambda kind: kind.__name__)
def test_every_kind_lists_its_components(kind: type) -> None:
    assert set(names(kind)) == EXPECTED[kind]
    assert all(issubclass(find(kind, name), kind) for name in names(kind))


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_is_a_frozen_hashable_value_with_defaults(component: type) -> None:
    value = component()
    assert value == component()
    assert hash(value) == hash(component())
    for field in fields(component):
        with pytest.raises(FrozenInstanceError):
            setattr(value, field.name, None)


@pytest.mark.parametrize("component", COMPONENTS)
def test_annotations_can_be_read_at_run_time(component: type) -> None:
    hints = get_type_hints(component, include_extras=True)
    assert {field.name for field in fields(component)} <= hints.keys()


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        (Backbone, "cnov", ["unknown backbone 'cnov'", "conv, fc, plain_conv, residual", "did you mean 'conv'?"]),
        (Objective, "gan", ["unknown objective 'gan'", "adversarial, adversarial_bound, elbo, iwae"]),
        (Model, "", ["unknown model ''", "vae", "package.module:Class"]),
        (Model, "no_such_package.module:MyModel", ["cannot be imported", "no_such_package"]),
        (Model, "models.presets:NoSuchClass", ["cannot be imported", "NoSuchClass"]),
        (Model, ":MyModel", ["cannot be imported"]),
        (Model, ".relative:MyModel", ["cannot be imported"]),
        (Model, "models.backbones:FullyConnected", ["must be a frozen dataclass that derives from models.Model"]),
        (Model, "models:Model", ["abstract methods"]),
        (Model, "models:find", ["must be a frozen dataclass"]),
    ],
)
def test_a_wrong_name_is_told_in_one_line(kind: type, name: str, words: list[str]) -> None:
    with pytest.raises(UnknownComponentError) as caught:
        find(kind, name)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_a_model_of_ones_own_is_found_by_its_place() -> None:
    assert find(Model, "models.presets:VAE") is VAE


class Plain(Model):
    def compose(self, shape, classes=0): ...


@dataclass
class Mutable(Plain): ...


@dataclass(frozen=True)
class Abstract(Model): ...


@pytest.mark.parametrize("own", [Plain, Mutable, Abstract])
def test_a_model_of_ones_own_must_keep_the_contract(own: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "Own", own, raising=False)
    with pytest.raises(UnknownComponentError, match=r"must be a frozen dataclass .* implements its abstract methods"):
        find(Model, f"{__name__}:Own")


def test_a_name_is_given_once_within_its_kind() -> None:
    with pytest.raises(ValueError, match="backbone 'fc' is already FullyConnected"):
        register("fc")(find(Backbone, "conv"))


def test_public_names() -> None:
    assert sorted(models.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)) == models.__all__
    assert all(hasattr(models, name) for name in models.__all__)


def test_models_need_nothing_but_pytorch() -> None:
    others = {"sweeper", "ray", "optuna", "mlflow", "pydantic", "torchvision"}
    code = f"import sys, models; print(*{others} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == []
