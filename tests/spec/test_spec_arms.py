"""Protects arms: what can be one, how it is labelled, and why something else cannot."""

from collections.abc import Callable

import pytest

from sweeper.errors import UsageError
from sweeper.spec import Spec

MODEL = """\
{norm: {choice: [none, batch]}, width: {int: [1, 4]}, backbone: {choose: {fc: {act: {choice: [relu, elu]}}, conv: }},
 decoder: {choose: {a: , b: }, init: {choice: [zero, one]}}}"""
ALLOWED = "model.norm, model.backbone, model.decoder, model.decoder.init"


def arms_at(path: str) -> str:
    return f"{{trials: 4, arms: {path}}}"


def test_without_arms_there_is_one_that_fixes_nothing(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(model=MODEL)
    assert spec.arms == ("all",)
    assert "model.backbone" in next(spec.space("all").corners()).parameters


def test_a_choice_can_be_arms_too_also_beside_a_choose(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(model=MODEL, sweep=arms_at("model.decoder.init"))
    assert spec.arms == ("zero", "one")
    for corner in spec.space("one").corners():
        assert corner.config["model"]["decoder"]["init"] == "one"
        assert "model.decoder.init" not in corner.parameters


def test_labels_of_options_are_fit_for_a_folder(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(model="{x: {choice: [0.5, -1, null, true, a/b.c, 'ä ö']}}", sweep=arms_at("model.x"))
    assert spec.arms == ("0_5", "-1", "None", "True", "a_b_c", "___")
    assert next(spec.space("a_b_c").corners()).config["model"] == {"x": "a/b.c"}


def test_an_unknown_arm_is_refused_with_those_there_are(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(model=MODEL, sweep=arms_at("model.backbone"))
    with pytest.raises(UsageError, match=r'sweep\.arms: found "cnov"; must be one of fc, conv; did you mean conv\?'):
        spec.space("cnov")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("model.width", f'found "model.width"; must be the path of a choose or a choice: {ALLOWED}'),
        ("model", f'found "model"; must be the path of a choose or a choice: {ALLOWED}'),
        ("''", f'found ""; must be the path of a choose or a choice: {ALLOWED}'),
        (
            "model.backbone.fc.act",
            (
                'found "model.backbone.fc.act", which exists only in a branch of model.backbone; '
                f"must be in every configuration: {ALLOWED}"
            ),
        ),
    ],
)
def test_paths_that_are_no_arms(make_spec: Callable[..., Spec], path: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_spec(model=MODEL, sweep=arms_at(path))
    assert str(caught.value).endswith(f": sweep.arms: {message}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("[1, '1']", 'found 1 and "1", which would both be the arm 1; must differ in letters or digits'),
        ("[a.b, a/b]", 'found "a.b" and "a/b", which would both be the arm a_b; must differ in letters or digits'),
        ("['']", 'found the option ""; must have 1 to 64 letters to be an arm'),
    ],
)
def test_options_that_make_no_labels(make_spec: Callable[..., Spec], options: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_spec(model=f"{{x: {{choice: {options}}}}}", sweep=arms_at("model.x"))
    assert str(caught.value) == f"<text>:3: model.x: {message}"
