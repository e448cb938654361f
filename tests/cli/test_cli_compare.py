"""Protects `compare`: arms of several sweeps in one ranking, and never such as are not comparable."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Sweeper
from support.keyed import keys, sweep_in
from support.sweeps import make_spec

from sweeper.comparability import Key

Refused = Callable[..., str]

ONE_ARM = {"arms": None, "trials": 3, "stopping": "none"}


@pytest.fixture
def make(workplace: Path) -> Callable[..., Path]:
    """Makes a finished sweep in the home, by default of two arms."""

    def sweep(name: str, of: dict[str, Key] | None = None, **settings: object) -> Path:
        return sweep_in(workplace / "sweeps" / name, keys() if of is None else of, **settings)

    return sweep


def test_arms_stand_beside_their_sweeps_in_one_ranking(sweeper: Sweeper, make: Callable[..., Path]) -> None:
    make("first")
    make("second", arms=None, seed=1)
    ended = sweeper("compare", "first", "second")
    assert (ended.code, ended.err) == (0, "")
    headings, *rows = ended.out.splitlines()[:4]
    assert headings.split()[:4] == ["rank", "sweep", "arm", "test/nll"]
    assert sorted(tuple(row.split()[1:3]) for row in rows) == [("first", "conv"), ("first", "fc"), ("second", "all")]
    assert sum(line.startswith("Answer: ") for line in ended.out.splitlines()) == 2
    assert "corrected by Holm's method for all 3 pairs" in ended.out


def test_one_sweep_alone_has_its_own_arms_and_verdict(sweeper: Sweeper, make: Callable[..., Path]) -> None:
    make("first")
    compared, shown = sweeper("compare", "first").out.splitlines(), sweeper("show", "first").out.splitlines()
    verdict = shown[next(at for at, line in enumerate(shown) if line.startswith("Answer: ")) :]
    assert compared[3:] == verdict
    assert compared[0].split()[:3] == ["rank", "sweep", "arm"]


def test_json_has_the_same_keys_always(sweeper: Sweeper, make: Callable[..., Path]) -> None:
    make("first")
    make("second", arms=None, finals=None)
    found = json.loads(sweeper("compare", "first", "second", "--json").out)
    assert list(found) == ["sweeps", "arms", "verdict"]
    assert [entry["sweep"] for entry in found["sweeps"]] == ["first", "second"]
    labels = {"first:fc": ("first", "fc"), "first:conv": ("first", "conv"), "second": ("second", "all")}
    assert {entry["label"]: (entry["sweep"], entry["arm"]) for entry in found["arms"]} == labels
    assert {entry["arm"] for entry in found["verdict"]["arms"]} == set(labels)


def test_search_values_measured_otherwise_rank_nothing(sweeper: Sweeper, make: Callable[..., Path]) -> None:
    """Claims are about test values: a search that was cheaper does no harm to them, but tells nothing of tuning."""
    make("first")
    make("second", keys(k="50"))
    found = sweeper("compare", "first", "second")
    assert (found.code, found.err) == (0, "")
    assert "Tuning: " not in found.out
    tested = [float(line.split()[3]) for line in found.out.splitlines()[1:5]]
    assert tested == sorted(tested)
    make("third")
    assert "Tuning: " in sweeper("compare", "first", "third").out


# What the second sweep has that the first has not; which part the line names; what it advises.
OTHERS = {
    "k": (
        {"of": keys(final_k="1000")},
        "test/nll cannot rank these against each other, which differ in k: 5000 (first), 1000 (second)",
        "run second again with --set sweep.evaluation.final_k=5000",
    ),
    "images": (
        {"of": keys(images="the first 250")},
        "images: test, all (first), test, the first 250 (second)",
        "run second again with --set sweep.evaluation.final_images=null",
    ),
    "k of a search": (
        {"of": keys(k="50"), "finals": None},
        "val/nll cannot rank these against each other, which differ in k: 100 (first), 50 (second)",
        "run second again with --set sweep.evaluation.k=100",
    ),
    "likelihood": (
        {"of": keys(likelihood="beta")},
        "likelihood: bernoulli (first), beta (second)",
        "rank by val/fld, which all of them share: run each again with --set sweep.metric=val/fld",
    ),
    "binarization": (
        {"of": keys(binarization="none", grey="none")},
        "binarization: dynamic (first), none (second)",
        "give all of them the same model.likelihood.binarization",
    ),
    "conditioning": (
        {"of": keys(conditioning="label")},
        "conditioning: none (first), label (second)",
        "rank by val/fld, which all of them share",
    ),
    "data": (
        {"of": keys(data="mnist")},
        "data: digits (first), mnist (second)",
        "give all of them the same data",
    ),
    "metric": (
        {"metric": "val/fld"},
        "found metric: val/nll (first), val/fld (second)",
        "run second again with --set sweep.metric=val/nll",
    ),
    "metric that only one has": (
        {"metric": "val/fld", "of": {name: key for name, key in keys().items() if name.endswith("fld")}},
        "found metric: val/nll (first), val/fld (second)",
        "run first again with --set sweep.metric=val/fld",
    ),
    "metric of other data": (
        {"metric": "val/fld", "of": keys(data="mnist")},
        "found metric: val/nll (first), val/fld (second)",
        "give all of them the same sweep.metric",
    ),
    "mode": ({"mode": "maximize"}, "found mode: minimize (first), maximize (second)", "the same sweep.mode"),
    "without keys": ({"of": {}}, "second: no trial says how its test/nll was measured", "must be run again"),
}


@pytest.mark.parametrize("case", OTHERS.values(), ids=OTHERS)
def test_sweeps_that_are_not_comparable(
    refused: Refused, make: Callable[..., Path], case: tuple[dict[str, object], str, str]
) -> None:
    settings, differs, advised = case
    make("first", **{name: value for name, value in settings.items() if name == "finals"})
    make("second", **settings)
    line = refused("compare", "first", "second")
    assert differs in line
    assert advised in line.partition(differs)[2]


def test_a_sweep_named_twice_is_refused(refused: Refused, make: Callable[..., Path]) -> None:
    make("first")
    assert "found first twice; must be different sweeps" in refused("compare", "first", "sweeps/first")


def test_a_sweep_whose_own_trials_are_not_comparable_is_refused(refused: Refused, make: Callable[..., Path]) -> None:
    make("first", lambda assignment: keys(k=str(100 + assignment.number)))
    assert "first: val/nll cannot rank its trials against each other" in refused("compare", "first")


def test_sweeps_of_one_name_are_told_apart_by_their_folders(sweeper: Sweeper, workplace: Path) -> None:
    spec = make_spec(1, **ONE_ARM)
    for home in ("a", "b"):
        sweep_in(workplace / home / "same", keys(), spec)
    out = sweeper("compare", "a/same", "b/same").out
    assert f"{workplace}/a/same" in out
    assert f"{workplace}/b/same" in out
