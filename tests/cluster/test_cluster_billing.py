"""Protects what a cluster is said to cost: sums of known prices, and what is unknown said to be."""

from datetime import UTC, datetime

import pytest

from sweeper.cluster.billing import Group, Sum, at_least, at_most, groups_of, hours

HEAD = Group("head", "m7i.xlarge", "on-demand", 1, 1, 0.2)
SPOT = Group("l4", "g6.xlarge", "spot", 1, 8, 0.3)
DEAR = Group("h100", "p5.4xlarge", "spot", 0, 1, 2.5)
UNKNOWN = Group("l40s", "g6e.xlarge", "spot", 0, 2, None)


def test_without_work_the_least_is_paid() -> None:
    assert at_least([HEAD, SPOT, DEAR]).shown(" per hour") == "0.50 USD per hour"


def test_at_most_the_dearest_workers_are_paid() -> None:
    assert at_most([HEAD, SPOT, DEAR], 4).usd == pytest.approx(0.2 + 2.5 + 3 * 0.3)


def test_an_unknown_price_is_said_where_it_would_be_paid() -> None:
    assert at_least([HEAD, SPOT, UNKNOWN]) == Sum(0.5)
    most = at_most([HEAD, SPOT, UNKNOWN], 3)
    assert most.shown() == "at least 0.50 USD (1 price could not be found)"


def test_groups_are_read_from_the_launchers_configuration() -> None:
    types = {
        "l4": {"max_workers": 8, "node_config": {"InstanceType": "g6.xlarge", "InstanceMarketOptions": {}}},
        "head": {"max_workers": 0, "node_config": {"InstanceType": "m7i.xlarge"}},
    }
    launcher = {"head_node_type": "head", "available_node_types": types}
    prices = {("g6.xlarge", "spot"): 0.3}
    assert groups_of(launcher, lambda kind, market: prices.get((kind, market))) == [
        Group("head", "m7i.xlarge", "on-demand", 1, 1, None),
        Group("l4", "g6.xlarge", "spot", 0, 8, 0.3),
    ]


def test_time_is_counted_in_hours_and_never_below_none() -> None:
    noon, later = datetime(2027, 1, 1, 12, tzinfo=UTC), datetime(2027, 1, 1, 13, 30, tzinfo=UTC)
    assert hours(noon, later) == 1.5
    assert hours(later, noon) == 0.0
