"""Numbers, parameters and tables as people read them: no digit that means nothing, no name that could mean two."""

import math

import pytest
from fabricated import Arm, fabricate
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from sweeper.analysis import Table, arm_table, judge
from sweeper.analysis.formatting import fixed, parameter_list, short_names, significant, span, with_unit
from sweeper.analysis.intervals import Interval

ARMS = {
    "fc": Arm([96.4, 97.0, "pruned", "failed"], {0: [96.1, 96.6, 96.3]}),
    "conv": Arm([95.0], {0: [95.2, 95.0, 95.6, "failed"]}),
    "draw": Arm(["failed"]),
    "res": Arm([90.0]),
}


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.8, 1.66), "0.80 to 1.66"),
        (Interval(-0.5, 1.1), "-0.50 to 1.10"),
        (Interval(-7.2, 15.4), "-7 to 15"),
        (Interval(1234.5, 2345.6), "1234 to 2346"),
        (Interval(0.003, 0.863), "0.003 to 0.863"),  # Two digits would write 0.00 for an end that is not zero.
        (Interval(-1e-9, 1.0), "0.0000 to 1.0000"),
        (Interval(0.0, 0.5), "0.00 to 0.50"),
    ],
)
def test_an_interval_is_written_with_two_digits_of_its_half_width(interval, text):
    assert span(interval) == text


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
@settings(deadline=None)
def test_what_an_interval_is_written_as_is_near_what_it_is(middle, half_width):
    interval = Interval(middle - half_width, middle + half_width)
    low, high = map(float, span(interval).split(" to "))
    assert abs(low - interval.low) <= 0.5 * interval.half_width
    assert abs(high - interval.high) <= 0.5 * interval.half_width


@pytest.mark.parametrize(
    ("value", "text"),
    [(95.0, "95.00"), (0.16667, "0.1667"), (123.456, "123.5"), (12345.6, "12346"), (0.0, "0.000"), (1e-7, "1.000e-07")],
)
def test_a_value_without_an_interval_has_four_digits(value, text):
    assert significant(value) == text


def test_what_rounds_to_zero_has_no_sign():
    assert fixed(-0.001, 2) == "0.00"


@pytest.mark.parametrize(("metric", "text"), [("val/nll", "1 nats"), ("test/nll", "1 nats"), ("val/error", "1")])
def test_a_unit_is_written_where_the_metric_has_one(metric, text):
    assert with_unit("1", metric) == text


def test_parameters_have_the_shortest_names_that_tell_them_apart():
    parameters = {
        "model.backbone.fc.norm": "batch",
        "model.prior.norm": "none",
        "model.latent_dim": 16,
        "training.optimizer.lr": 0.00123456,
        "model.backbone": "fc",
        "model.condition": None,
        "training.shuffle": True,
    }
    assert parameter_list(parameters) == (
        "fc.norm=batch, prior.norm=none, latent_dim=16, lr=0.00123, backbone=fc, condition=null, shuffle=true"
    )
    assert parameter_list({}) == "no parameters"


@given(st.sets(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(".".join), max_size=8).map(tuple))
@settings(deadline=None)
def test_no_two_parameters_share_a_short_name(paths):
    names = short_names(paths)
    assert len(set(names.values())) == len(paths)
    assert all(f".{path}".endswith(f".{name}") for path, name in names.items())


PLAIN = """\
rank  arm   test/nll  95 % interval   seeds  val/nll  best of search
1     conv  95.27     94.51 to 96.03  3      95.27    95.00
2     fc    96.33     95.71 to 96.96  3      96.33    96.40
3     res   -         -               0      -        90.00
4     draw  -         -               0      -        -
"""


def test_the_ranked_table_in_plain_text():
    assert arm_table(judge(fabricate(ARMS))).plain() == PLAIN


def test_the_ranked_table_as_data():
    table = arm_table(judge(fabricate(ARMS)))
    assert [row[1] for row in table.rows] == ["conv", "fc", "res", "draw"]
    assert {len(row) for row in table.rows} == {len(table.headings)}


def test_a_terminal_shows_every_cell_as_it_is():
    """Text in square brackets is markup to rich; a reason or a choice may well hold some."""
    console = Console(width=60)
    with console.capture() as capture:
        console.print(Table(("name", "reason"), (("[bold]a[/]", "found [1, 2]; must be [red]"),)).rich())
    assert "[bold]a[/]" in capture.get()
    assert "found [1, 2]; must be [red]" in capture.get()


def test_a_table_without_rows_has_its_headings():
    assert Table(("sweep", "trials"), ()).plain() == "sweep  trials\n"


def test_values_that_are_not_finite_can_be_shown():
    assert [significant(value) for value in (math.nan, math.inf)] == ["nan", "inf"]
