"""Protects identity: equal sweeps have equal digests, different ones do not, and YAML written reads back as itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeper.spec import Spec, parse_spec, read_spec
from sweeper.spec.writing import to_yaml

EXAMPLE = Path(__file__).parents[2] / "search_spaces" / "conv_vs_fc.yaml"

SAME = [
    ({"question": "What else?"}, {}),
    ({"sweep": "{trials: 4, resources: {cpu: 2, gpu: 1}, workers: 3}"}, {}),
    ({"sweep": "{trials: 4, study: 'postgresql://host/studies'}"}, {}),
    ({"sweep": "{trials: 4, metric: val/nll, mode: minimize, search: tpe, finals: {top: 2}}"}, {}),
    ({"data": "{name: digits}", "model": "{name: vae}"}, {}),
    ({"model": "{a: 1, b: {c: 2, d: 3}}"}, {"model": "{b: {d: 3, c: 2}, a: 1}"}),
    ({"model": "{choose: {a: , b: {x: 1}}}"}, {"model": "{choose: {b: {x: 1}, a: {name: a}}}"}),
    ({"model": "{a: {float: [1, 2]}}"}, {"model": "{a: {float: [1.0, 2.0], log: false}}"}),
    ({"model": "{a: {int: [1, 2]}}"}, {"model": "{a: {int: [1, 2], step: 1}}"}),
    ({"model": "{a: 1e-4}"}, {"model": "{a: 0.0001}"}),
]
DIFFERENT = [
    {"name": "other"},
    {"data": "mnist"},
    {"model": "{name: vae, a: 1}"},
    {"model": "{name: vae, a: 1.0}"},
    {"model": "{name: vae, a: true}"},
    {"model": "{name: vae, a: '1'}"},
    {"model": "{name: vae, a: {choice: [1, 2]}}"},
    {"model": "{name: vae, a: {choice: [2, 1]}}"},
    {"model": "{name: vae, a: {int: [1, 2]}}"},
    {"model": "{name: vae, a: {int: [1, 2], log: true}}"},
    {"model": "{name: vae, a: {float: [1, 2]}}"},
    {"model": "{name: vae, a: {float: [1, 2], step: 1}}"},
    {"model": "{choose: {vae: }}"},
    {"model": "{choose: {vae: , b: }}"},
    {"sweep": "{trials: 5}"},
    {"sweep": "{trials: 4, seed: 1}"},
    {"sweep": "{trials: 4, mode: maximize}"},
    {"sweep": "{trials: 4, finals: none}"},
    {"sweep": "{trials: 4, stopping: none}"},
    {"sweep": "{trials: 4, stopping: {also: [diverged]}}"},
    {"sweep": "{trials: 4, evaluation: {k: 50}}"},
    {"sweep": "{trials: 4, evaluation: {images: 50}}"},
    {"sweep": "{trials: 4, evaluation: {every: 1}}"},
]


@pytest.mark.parametrize(("left", "right"), SAME)
def test_the_same_sweep_written_otherwise(
    make_spec: Callable[..., Spec], left: dict[str, str], right: dict[str, str]
) -> None:
    assert make_spec(**left).digest == make_spec(**right).digest


def test_different_sweeps_have_different_digests(make_spec: Callable[..., Spec]) -> None:
    digests = [make_spec().digest, *(make_spec(**sections).digest for sections in DIFFERENT)]
    assert len(set(digests)) == len(digests)


def test_an_override_is_the_same_sweep_as_the_file_edited(make_spec: Callable[..., Spec]) -> None:
    assert make_spec("sweep.trials=9", "model.a={int: [1, 2]}") == make_spec(
        model="{name: vae, a: {int: [1, 2]}}", sweep="{trials: 9}"
    )


def test_the_example_is_written_readable_and_for_every_reader_of_yaml() -> None:
    spec = read_spec(EXAMPLE, ["sweep.trials=6", "model.note='off'", "model.small='1e-4'"])
    text = spec.to_yaml()
    assert parse_spec(text) == spec
    assert "        latent_dim:\n" not in text
    assert "latent_dim:\n    choice: [2, 4, 8, 16, 32]\n" in text
    assert yaml.safe_load(text)["model"]["note"] == "off"
    assert yaml.safe_load(text)["model"]["small"] == "1e-4"


COUNTS = st.integers(1, 10**6)
POSITIVE = st.floats(1e-9, 1e9)

# Keys beside a choose, keys in its branches and labels begin with different letters, so that they never clash.
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,4}", fullmatch=True)
SHARED, INNER, LABELS = (NAMES.map(letter.__add__) for letter in "sbL")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["off", "1e-4", "010", "<<", "1:30", "~"])
NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
CHOICES = st.lists(SCALARS, min_size=1, max_size=4, unique=True).map(lambda options: {"choice": options})
INTS = st.builds(lambda low, steps, step: {"int": [low, low + steps * step], "step": step}, COUNTS, COUNTS, COUNTS)
FLOATS = st.tuples(POSITIVE, POSITIVE).map(lambda ends: {"float": sorted(ends), "log": True})


def mappings(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Generate mappings of children, with and without a choose."""
    plain = st.dictionaries(SHARED, children, max_size=3)
    branches = st.dictionaries(LABELS, st.none() | st.dictionaries(INNER, children, max_size=2), min_size=1, max_size=3)
    return plain | st.builds(lambda shared, choose: {**shared, "choose": choose}, plain, branches)


TREES = st.recursive(SCALARS | st.lists(SCALARS, max_size=3) | CHOICES | INTS | FLOATS, mappings, max_leaves=6)
SWEEPS = st.fixed_dictionaries(
    {"trials": COUNTS},
    optional={
        "metric": st.just("val/accuracy"),
        "seed": COUNTS,
        "search": st.sampled_from(["random", "grid", {"name": "tpe", "startup": 3}]),
        "stopping": st.sampled_from(["none", {"name": "median", "grace": 2}]),
        "finals": st.sampled_from([None, "none", {"top": 5}]),
        "evaluation": st.fixed_dictionaries({}, optional={"k": COUNTS, "images": st.none() | st.just("auto") | COUNTS}),
        "workers": COUNTS | st.just("auto"),
    },
)


@given(model=mappings(TREES), training=mappings(TREES), sweep=SWEEPS, question=st.none() | TEXTS)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_reads_back_equal(
    model: dict[str, Any], training: dict[str, Any], sweep: dict[str, Any], question: str | None
) -> None:
    content = {"name": "test", "question": question, "data": "digits", "model": model, "objective": {"name": "elbo"}}
    spec = parse_spec(to_yaml({**content, "training": training, "sweep": sweep}))
    again = parse_spec(spec.to_yaml())
    assert again == spec
    assert again.digest == spec.digest
    assert again.to_yaml() == spec.to_yaml()
