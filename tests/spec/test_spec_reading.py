"""Protects how files and YAML are read: numbers as people write them, keys as text, and where each value stands."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sweeper.errors import UsageError
from sweeper.spec import Spec, Value, parse_spec, read_spec

NUMBERS = [
    ("1e-4", 1e-4),
    ("1E3", 1000.0),
    ("1.5e-3", 1.5e-3),
    ("-2.e+2", -200.0),
    (".5", 0.5),
    (".5e1", 5.0),
    ("3", 3),
    ("-3", -3),
    ("3.0", 3.0),
    ("'1e-4'", "1e-4"),
    ("1e-4x", "1e-4x"),
    ("none", "none"),
    ("'off'", "off"),
    ("True", True),
    ("~", None),
    ("2024-01-31", "2024-01-31"),
]


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_scalars_mean_what_people_mean(make_spec: Callable[..., Spec], text: str, value: Value) -> None:
    found = make_spec(training=f"{{value: {text}}}").tree["training"]["value"]
    assert found == value
    assert type(found) is type(value), f"{text} became a {type(found).__name__}"


def test_keys_are_text_even_where_yaml_has_another_idea(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec(model="{choose: {on: {}, off: {}, 100: {}}}", sweep="{trials: 1, arms: model}")
    assert spec.arms == ("on", "off", "100")


def test_merge_keys_and_aliases_are_copies_and_own_keys_win(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec("model.b.x=9", model="{a: &a {x: 1, y: 2}, b: *a, c: {<<: [{y: 3}, *a], z: 4}}")
    assert spec.tree["model"] == {"a": {"x": 1, "y": 2}, "b": {"x": 9, "y": 2}, "c": {"x": 1, "y": 3, "z": 4}}


def test_expanding_aliases_are_refused_before_they_fill_the_memory(complaint: Callable[..., str]) -> None:
    levels = "".join(f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]\n" for level in range(1, 30))
    message = complaint(f"l0: &l0 [x, x]\n{levels}")
    assert message.endswith("aliases expand to more than 20000 values or 40 levels")


def test_expanding_merges_are_refused_before_they_take_for_ever(complaint: Callable[..., str]) -> None:
    levels = "".join(f"l{level}: &l{level} {{<<: [{', '.join([f'*l{level - 1}'] * 10)}]}}\n" for level in range(1, 30))
    message = complaint(f"l0: &l0 {{x: 1}}\n{levels}")
    assert message.endswith("aliases expand to more than 20000 values or 40 levels")


def test_errors_point_to_the_line_of_the_value_or_of_its_nearest_parent() -> None:
    spec = parse_spec(
        "name: test\ndata: digits\nmodel:\n  layers:\n  - 1\n  - 2\nobjective: elbo\ntraining: {}\nsweep: {trials: 1}",
        "s.yaml",
    )
    assert str(spec.error(("model", "layers", 1), "is bad")) == "s.yaml:6: model.layers.1: is bad"
    assert str(spec.error(("model", "name"), "is missing")) == "s.yaml:3: model.name: is missing"
    assert str(spec.error(("model", "choose", "a", "b"), "is bad")) == "s.yaml:3: model.a.b: is bad"
    assert str(spec.error((), "is bad")) == "s.yaml:1: is bad"


def test_a_file_may_leave_the_objective_to_its_model(good: str) -> None:
    spec = parse_spec(good.replace("objective: elbo\n", ""))
    assert list(spec.tree) == ["data", "model", "training"]
    assert parse_spec(spec.to_yaml()) == spec
    assert list(next(spec.space("all").corners()).config) == ["data", "model", "training"]
    assert spec.digest != parse_spec(good).digest


def test_errors_stay_one_line_whatever_they_quote(complaint: Callable[..., str], good: str) -> None:
    message = complaint(good, 'name="a\\nb\\u2028c\\u0085"\n')
    assert message.startswith('--set name="a\\nb\\u2028c\\u0085" : name: found "a\\nb c ";')


def test_a_file_is_read_as_utf_8_with_or_without_a_mark(tmp_path: Path, good: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + f"question: Größe?\n{good}".encode())
    assert read_spec(path).question == "Größe?"


FILES = [
    ("missing.yaml", None, "no such file"),
    (".", None, "is a folder; must be a YAML file"),
    ("latin.yaml", b"name: test\nquestion: Gr\xf6\xdfe", "found the byte 0xf6; must be text in UTF-8"),
    ("utf16.yaml", "name: test".encode("utf-16"), "found the byte 0xff; must be text in UTF-8"),
    ("weird\x00.yaml", None, "cannot be read: embedded null byte"),
]


@pytest.mark.parametrize(("name", "content", "message"), FILES)
def test_files_that_are_no_text(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_spec(path)
    line = ":2" if name == "latin.yaml" else ":1" if content else ""
    assert str(caught.value) == f"{str(path).replace(chr(0), ' ')}{line}: {message}"
