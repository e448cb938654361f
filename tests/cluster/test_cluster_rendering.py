"""Protects the templates in a cluster's file: what `${name}` becomes, what is repeated, left out, kept or refused."""

import pytest

from sweeper.cluster.rendering import render, with_found
from sweeper.errors import UsageError
from sweeper.spec.values import KeyPath, Value

VALUES = {
    "name": "sweeps",
    "most": 8,
    "hosts": ["a", "b"],
    "price": None,
    "spot": {"l4": {"type": "g6.xlarge", "price": "0.8"}, "a10g": {"type": "g5.xlarge", "price": None}},
    "none": {},
}


def rendered(template: Value) -> Value:
    def refuse(path: KeyPath, message: str) -> UsageError:
        return UsageError(f"{path}: {message}")

    return render(template, VALUES, refuse, ())


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${most}", 8),
        ("${hosts}", ["a", "b"]),
        ("at most ${most} of ${name}", "at most 8 of sweeps"),
        (["${name}", {"most": "${most}"}, None, 3], ["sweeps", {"most": 8}, None, 3]),
        ({"sweeper-${name}": 1}, {"sweeper-sweeps": 1}),
        ({"price": "${price}", "none": None}, {"none": None}),
        ("$HOME ${up.image} ${most}", "$HOME ${up.image} 8"),
        ("${up.image}", "${up.image}"),
        ({"${none.*}": 1}, {}),
    ],
)
def test_a_placeholder_becomes_its_value(template: Value, expected: Value) -> None:
    assert rendered(template) == expected


def test_a_key_with_a_star_is_repeated() -> None:
    template: Value = {"${spot.*}-spot": {"of": "${spot.*}", "type": "${spot.*.type}", "price": "${spot.*.price}"}}
    assert rendered(template) == {
        "l4-spot": {"of": "l4", "type": "g6.xlarge", "price": "0.8"},
        "a10g-spot": {"of": "a10g", "type": "g5.xlarge"},
    }


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"^\('a', 0\): found \$\{nam\}; .*did you mean \$\{name\}\?$"):
        rendered({"a": ["${nam}"]})


def test_what_was_found_is_put_in() -> None:
    assert with_found({"a": ["${up.image}", "x-${up.image}", 3]}, {"image": "ami-1"}) == {"a": ["ami-1", "x-ami-1", 3]}
    with pytest.raises(UsageError, match=r"^a: found \$\{up.key\}; "):
        with_found({"a": "${up.key}"}, {"image": "ami-1"})
