"""Protects the yardstick: values with different comparability keys are ranked nowhere, and the line says what to do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Sweeper
from support.keyed import KeysOf, keys, sweep_in
from support.sweeps import make_spec

from sweeper.comparability import Key
from sweeper.search import Assignment, read_records
from sweeper.training.check import ranking_keys

Refused = Callable[..., str]

# What makes the small file compare the incomparable, what the line must name, and what it must advise.
SPACES = {
    "k": (["sweep.metric=train/loss"], "differs in objective.k (1, 5)", "rank by val/nll"),
    "beta": (
        ["sweep.metric=train/loss", "objective={name: elbo, beta: {float: [0.1, 10]}}"],
        "differs in objective.beta (0.1, 10.0)",
        "rank by val/nll",
    ),
    "warm-up": (
        ["sweep.metric=train/loss", "objective={name: elbo, warmup: {choice: [0, 5]}}"],
        "differs in objective.warmup (0.0, 5.0)",
        "rank by val/nll",
    ),
    "divergence": (
        ["sweep.metric=train/loss", "objective={choose: {kl: {name: elbo}, js: {name: jensen_shannon}}}"],
        "differs in objective (elbo, jensen_shannon)",
        "rank by val/nll",
    ),
    "same loss": (
        ["sweep.metric=train/loss", "objective=elbo"],
        "measured on the images that a trial is fitted to; ",
        "rank by val/nll",
    ),
    "likelihood": (
        ["model.likelihood={choose: {bernoulli: {binarization: none}, beta: {}}}"],
        "model.likelihood: val/nll cannot rank these against each other, which differ in likelihood: bernoulli (",
        "rank by val/fld",
    ),
    "binarization": (
        ["model.likelihood={name: bernoulli, binarization: {choice: [dynamic, static]}}"],
        "binarization: dynamic (dynamic), static (static)",
        "rank by val/fld",
    ),
    "black and white beside grey": (
        ["sweep.metric=val/fld", "model.likelihood={name: bernoulli, binarization: {choice: [dynamic, none]}}"],
        "binarization: black and white (dynamic), none (none)",
        "give all of them the same model.likelihood.binarization",
    ),
    "conditioning": (
        ["model={choose: {vae: {latent_dim: 2}, cvae: {latent_dim: 2}}}", "sweep.arms=model"],
        "model: val/nll cannot rank these against each other, which differ in conditioning: none (vae), label (cvae)",
        "rank by val/fld",
    ),
    "data": (
        ["data={name: digits, validation: {choice: [250, 300]}}"],
        "data.validation: val/nll cannot rank these against each other, which differ in data: ",
        "give all of them the same data",
    ),
}


@pytest.mark.parametrize("command", ["run", "check"])
@pytest.mark.parametrize("case", SPACES.values(), ids=SPACES)
def test_a_space_that_its_metric_cannot_rank(refused: Refused, command: str, case: tuple[list[str], str, str]) -> None:
    overrides, differs, advised = case
    line = refused(command, "small.yaml", *(word for override in overrides for word in ("--set", override)))
    assert differs in line
    assert advised in line.partition(differs)[2]


def test_the_place_is_that_of_the_domain(refused: Refused, workplace: Path) -> None:
    text = (workplace / "small.yaml").read_text()
    (workplace / "small.yaml").write_text(
        text.replace("likelihood: bernoulli", "likelihood: {choice: [gaussian, beta]}")
    )
    line = refused("run", "small.yaml")
    assert line.startswith("error: small.yaml:6: model.likelihood: val/nll cannot rank these against each other")


def test_a_domain_in_one_branch_is_told_by_the_arms(refused: Refused) -> None:
    model = (
        "model={choose: {vae: {latent_dim: 2, likelihood: {choice: [gaussian, beta]}}, residual_vae: {latent_dim: 2}}}"
    )
    line = refused("run", "small.yaml", "--set", model, "--set", "sweep.arms=model")
    assert "sweep.metric: val/nll cannot rank these" in line
    assert "likelihood: gaussian (vae), beta (vae), bernoulli (residual_vae)" in line


# The part in which the trials of one sweep differ: the keys of the first search trial and of all others.
PARTS = {
    "k": (keys(k="100"), keys(k="50"), "val/nll", "k: 100 (trial 0), 50 (trial 1, trial 2, trial 3 and 4 more)"),
    "likelihood": (keys(), keys(likelihood="beta"), "val/nll", "likelihood: bernoulli (trial 0), beta ("),
    "binarization": (keys(), keys(binarization="static"), "val/nll", "binarization: dynamic (trial 0), static ("),
    "conditioning": (keys(), keys(conditioning="label"), "val/nll", "conditioning: none (trial 0), label ("),
    "data": (keys(), keys(data="mnist"), "val/nll", "data: digits (trial 0), mnist ("),
    "estimator": (
        keys(),
        keys(version="2"),
        "val/fld",
        "estimator: features, version 1 (trial 0), features, version 2 (",
    ),
}
Part = tuple[dict[str, Key], dict[str, Key], str, str]

each_part = pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)


def changed(first: dict[str, Key], later: dict[str, Key]) -> KeysOf:
    """Return the keys of a sweep that was edited after its first trial, and resumed."""

    def of(assignment: Assignment) -> dict[str, Key]:
        return later if assignment.number else first

    return of


@pytest.fixture
def edited(workplace: Path) -> Callable[[Part], Path]:
    """Makes a sweep whose trials differ in a part."""

    def make(part: Part) -> Path:
        first, later, metric, _ = part
        return sweep_in(workplace / "sweeps" / "edited", changed(first, later), metric=metric)

    return make


@each_part
def test_a_sweep_of_incomparable_trials_is_not_exported(
    refused: Refused, edited: Callable[[Part], Path], part: Part
) -> None:
    edited(part)
    line = refused("export", "edited")
    assert f"edited: {part[2]} cannot rank its trials against each other, which differ in {part[3]}" in line
    assert "run it anew" in line
    assert "sweeper run " in line


@each_part
def test_a_sweep_of_incomparable_trials_is_shown_without_a_ranking(
    sweeper: Sweeper, edited: Callable[[Part], Path], part: Part
) -> None:
    records = read_records(edited(part))
    ended = sweeper("show", "edited")
    assert ended.code == 2
    assert part[3] in ended.err
    assert len(ended.out.splitlines()) == 1 + len(records), "the table of the trials, and nothing else"


def test_json_says_why_there_is_no_verdict(sweeper: Sweeper, edited: Callable[[Part], Path]) -> None:
    edited(PARTS["k"])
    ended = sweeper("show", "edited", "--json")
    shown = json.loads(ended.out)
    assert ended.code == 2
    assert (shown["verdict"], shown["ahead"]) == (None, None)
    assert PARTS["k"][3] in shown["refused"]
    assert len(shown["trials"]) == 8


def test_a_list_goes_on_with_a_note(sweeper: Sweeper, edited: Callable[[Part], Path], workplace: Path) -> None:
    edited(PARTS["k"])
    sweep_in(workplace / "sweeps" / "fine", keys())
    ended = sweeper("list")
    assert ended.code == 0
    assert sum(PARTS["k"][3] in line for line in ended.out.splitlines()) == 1


def test_one_arm_alone_is_exported_where_its_own_trials_are_comparable(
    sweeper: Sweeper, refused: Refused, workplace: Path
) -> None:
    by_arm = {"fc": keys(likelihood="beta"), "conv": keys()}
    sweep_in(workplace / "sweeps" / "edited", lambda assignment: by_arm[assignment.arm])
    assert "likelihood: beta (" in refused("export", "edited")
    assert "its weights are gone" in refused("export", "edited", "--arm", "fc", code=1), "it was chosen"


def test_the_finals_of_a_sweep_must_agree_on_test_as_well(refused: Refused, workplace: Path) -> None:
    def of(assignment: Assignment) -> dict[str, Key]:
        return keys(final_k="5000" if assignment.arm == "fc" else "1000")

    sweep_in(workplace / "sweeps" / "edited", of)
    line = refused("export", "edited")
    assert (
        "test/nll cannot rank its trials against each other, which differ in k: 5000 (trial 4, trial 5), 1000 (" in line
    )


def test_trials_that_say_nothing_of_how_they_were_measured_are_ranked_within_their_sweep(
    sweeper: Sweeper, workplace: Path
) -> None:
    sweep_in(workplace / "sweeps" / "older", {})
    ended = sweeper("show", "older")
    assert (ended.code, ended.err) == (0, "")
    assert "Answer: " in ended.out


def test_another_metric_is_advised_where_all_trials_share_one(refused: Refused, edited: Callable[[Part], Path]) -> None:
    edited(PARTS["likelihood"])
    line = refused("export", "edited")
    command = "sweeper run sweeps/edited/sweep.yaml --set sweep.metric=val/fld"
    assert line.endswith(f"run it anew by a metric that all of them share: {command}\n")


@pytest.mark.parametrize(
    ("before", "after", "differs", "setting"),
    [
        (
            " k: 100,",
            " k: 50,",
            "val/nll could not rank its trials against each other, which would differ in k: 100 (",
            "k",
        ),
        (
            "final_k: 5000",
            "final_k: 1000",
            "test/nll could not rank its trials against each other, which would differ in k: 5000 (",
            "final_k",
        ),
    ],
)
def test_a_sweep_whose_file_measures_otherwise_now_is_not_resumed(
    refused: Refused, workplace: Path, before: str, after: str, differs: str, setting: str
) -> None:
    spec = make_spec(1, trials=4, stopping="none", evaluation={"images": 100, "every": 1})
    folder = sweep_in(workplace / "sweeps" / "edited", ranking_keys(spec, None), spec)
    text = (folder / "sweep.yaml").read_text()
    assert text.count(before) == 1
    (folder / "sweep.yaml").write_text(text.replace(before, after))
    line = refused("resume", "edited")
    assert differs in line
    assert f"set sweep.evaluation.{setting} back, or begin a new sweep" in line
