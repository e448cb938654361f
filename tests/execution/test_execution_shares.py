"""Protects measured shares: measured once for each arm and accelerator, written down, and the same when resumed."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.sweeps import make_spec

from sweeper.execution.capacity import Capacity
from sweeper.execution.listener import Silent
from sweeper.execution.placement import Placement
from sweeper.execution.shares import SHARES_FILE, Question, Shares, with_shares
from sweeper.training.probe import Share

CPUS = {"CPU": 4.0}
H100 = {"CPU": 16.0, "GPU": 2.0, "accelerator_type:H100": 1.0}
L4 = {"CPU": 4.0, "GPU": 1.0, "accelerator_type:L4": 1.0}
UNNAMED = {"CPU": 4.0, "GPU": 1.0}
FIT = {"H100": 8, "L4": 2, "any": 4}
"""Trials at once, by accelerator."""


class Hearing(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def told(self, message: str) -> None:
        self.lines.append(message)

    def warned(self, message: str) -> None:
        self.lines.append(f"warning: {message}")


class Measuring:
    """Answers by the table above, and remembers the questions."""

    def __init__(self) -> None:
        self.questions: list[Question] = []

    def __call__(self, question: Question) -> Share | str:
        self.questions.append(question)
        return Share(FIT[question.resources.accelerator], 2**30, (10.0, 19.5, 20.0))


@pytest.fixture
def listener() -> Hearing:
    return Hearing()


@pytest.fixture
def measuring() -> Measuring:
    return Measuring()


Placing = Callable[..., dict[str, Any]]


@pytest.fixture
def place(tmp_path: Path, listener: Hearing, measuring: Measuring) -> Placing:
    """Returns a function that gives the GPUs that a trial of each arm asks for, on some machines."""

    def make(machines: Sequence[dict[str, float]], measure: Any = measuring, size: int = 64, **resources: Any) -> Any:
        def largest(arm: str) -> dict[str, Any]:
            return {"arm": arm, "size": size}

        wanted = Placement.of(make_spec(resources=resources))
        found = with_shares(wanted, Capacity.of(machines), Shares(tmp_path), listener, largest, measure)
        assert found.unmeasured == ()
        return {arm: resources.gpu for arm, resources in found.arms.items()}

    return make


def test_without_a_gpu_none_is_asked_for_and_nothing_is_measured(
    place: Placing, measuring: Measuring, tmp_path: Path
) -> None:
    assert place([CPUS], gpu="auto") == {"fc": 0, "conv": 0}
    assert measuring.questions == []
    assert list(tmp_path.iterdir()) == []


def test_an_arm_that_says_a_number_is_not_measured(place: Placing, measuring: Measuring) -> None:
    assert place([H100], gpu="auto", arms={"fc": {"gpu": 0}}) == {"fc": 0, "conv": 1 / 8}
    assert place([H100], gpu=0.3) == {"fc": 0.3, "conv": 0.3}
    assert [question.config["arm"] for question in measuring.questions] == ["conv"]


def test_each_kind_is_measured_and_the_one_that_takes_fewest_decides(place: Placing, measuring: Measuring) -> None:
    assert place([CPUS, H100, L4], gpu="auto") == {"fc": 1 / 2, "conv": 1 / 2}
    asked = [(one.config["arm"], one.resources.accelerator, one.resources.gpu) for one in measuring.questions]
    assert asked == [(arm, kind, 1.0) for arm in ("fc", "conv") for kind in ("H100", "L4")]


def test_only_the_kind_that_is_asked_for_is_measured(place: Placing, measuring: Measuring) -> None:
    assert place([H100, L4], gpu="auto", accelerator="H100") == {"fc": 1 / 8, "conv": 1 / 8}
    assert {question.resources.accelerator for question in measuring.questions} == {"H100"}


def test_a_gpu_without_a_name_is_measured_as_well(place: Placing) -> None:
    assert place([UNNAMED], gpu="auto") == {"fc": 1 / 4, "conv": 1 / 4}


def test_a_kind_that_is_yet_to_come_is_asked_for_whole(place: Placing, measuring: Measuring) -> None:
    assert place([L4], gpu="auto", accelerator="H100") == {"fc": 1, "conv": 1}
    assert measuring.questions == []


@pytest.mark.parametrize(("cpu", "most"), [(1, 8), (3, 2), (99, 1)])
def test_no_more_at_once_are_tried_than_have_cores_beside_one_gpu(
    place: Placing, measuring: Measuring, cpu: float, most: int
) -> None:
    place([H100], gpu="auto", cpu=cpu)
    assert {question.most for question in measuring.questions} == {most}


def test_a_resumed_sweep_asks_for_the_same_without_measuring_again(
    place: Placing, measuring: Measuring, listener: Hearing, tmp_path: Path
) -> None:
    first = place([H100], gpu="auto")
    written, said = (tmp_path / SHARES_FILE).read_text(), list(listener.lines)
    assert place([H100], gpu="auto") == first
    assert len(measuring.questions) == 2
    assert listener.lines == said
    assert (tmp_path / SHARES_FILE).read_text() == written
    assert json.loads(written)["conv on H100"]["trials"] == 8


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fc on H100": 8}'])
def test_a_damaged_file_costs_measuring_again(
    place: Placing, measuring: Measuring, tmp_path: Path, content: str
) -> None:
    (tmp_path / SHARES_FILE).write_text(content)
    assert place([H100], gpu="auto") == {"fc": 1 / 8, "conv": 1 / 8}
    assert len(measuring.questions) == 2


def test_what_is_written_is_copied_to_where_the_sweep_is(tmp_path: Path) -> None:
    copied: list[str] = []
    shares = Shares(tmp_path, lambda: copied.append((tmp_path / SHARES_FILE).read_text()))
    question = Question({}, Placement.of(make_spec()).arms["fc"], 1)
    shares.write("fc on H100", question, Share(2, 1, (1.0,)))
    assert copied == [(tmp_path / SHARES_FILE).read_text()]
    assert shares.trials("fc on H100", question) == 2


def test_a_larger_model_or_another_kind_is_measured(place: Placing, measuring: Measuring) -> None:
    place([H100], gpu="auto")
    place([H100], gpu="auto", size=128)
    place([L4], gpu="auto", size=128)
    assert len(measuring.questions) == 6


def test_what_was_measured_is_told_in_one_line(place: Placing, listener: Hearing) -> None:
    place([H100], gpu="auto", arms={"fc": {"gpu": 0}})
    assert listener.lines == [
        "conv on H100: measuring how many trials train best on it at once",
        "conv on H100: 8 at once, of 1 GiB each (1, 2, 4 at once take 10, 20, 20 steps a second together)",
    ]


def test_what_cannot_be_measured_is_a_whole_gpu_and_told(place: Placing, listener: Hearing, tmp_path: Path) -> None:
    assert place([H100], lambda _: "out of memory", gpu="auto", arms={"fc": {"gpu": 0}}) == {"fc": 0, "conv": 1}
    assert listener.lines[1:] == [
        "warning: conv on H100: cannot be measured, so that each trial has a GPU of its own: out of memory"
    ]
    assert not (tmp_path / SHARES_FILE).exists(), "the next time it may be possible"
