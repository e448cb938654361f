"""What a cluster costs: per hour before it starts and while it runs, and so far."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any, Literal, TypeAlias

Market: TypeAlias = Literal["spot", "on-demand"]
PriceOf: TypeAlias = Callable[[str, Market], float | None]
"""US dollars per hour of a type of instance; ``None`` where that is not known."""

HOUR = 3600.0


@dataclass(frozen=True)
class Group:
    """Machines that are started alike."""

    name: str
    type: str
    market: Market
    least: int
    """How many there are as long as the cluster is up."""
    most: int
    price: float | None


@dataclass(frozen=True)
class Sum:
    """US dollars, as far as they are known."""

    usd: float
    unknown: int = 0
    """Machines without a known price, which are not in it."""

    @classmethod
    def of(cls, amounts: Iterable[tuple[float | None, float]]) -> "Sum":
        """Return the sum of prices, each times its amount; an amount of nothing needs no price."""
        parts = [(price, amount) for price, amount in amounts if amount]
        return cls(sum(price * amount for price, amount in parts if price is not None), _unknown(parts))

    def shown(self, per: str = "") -> str:
        """Return it for people, such as ``2.15 USD per hour``; what is unknown is said to be."""
        if not self.unknown:
            return f"{self.usd:.2f} USD{per}"
        prices = "price" if self.unknown == 1 else "prices"
        return f"at least {self.usd:.2f} USD{per} ({self.unknown} {prices} could not be found)"


def _unknown(parts: Sequence[tuple[float | None, float]]) -> int:
    return sum(price is None for price, _ in parts)


def groups_of(launcher: Mapping[str, Any], price_of: PriceOf) -> list[Group]:
    """Return the groups of a configuration of Ray's launcher, the head first."""
    head = launcher["head_node_type"]
    return sorted(
        (
            _group(name, described, name == head, price_of)
            for name, described in launcher["available_node_types"].items()
        ),
        key=lambda group: group.name != head,
    )


def _group(name: str, described: Mapping[str, Any], is_head: bool, price_of: PriceOf) -> Group:
    node = described["node_config"]
    market: Market = "spot" if "InstanceMarketOptions" in node else "on-demand"
    least = 1 if is_head else described.get("min_workers", 0)
    most = 1 if is_head else described.get("max_workers", 0)
    return Group(name, node["InstanceType"], market, least, most, price_of(node["InstanceType"], market))


def at_least(groups: Sequence[Group]) -> Sum:
    """Return what an hour costs while nothing is computed."""
    return Sum.of((group.price, group.least) for group in groups)


def at_most(groups: Sequence[Group], most_workers: int) -> Sum:
    """Return what an hour costs with as many workers as there may be, the dearest; of unknown price may be dearer."""
    head, *workers = groups
    left, amounts = most_workers, [(head.price, float(head.most))]
    for group in sorted(workers, key=lambda group: -inf if group.price is None else -group.price):
        amounts.append((group.price, float(min(left, group.most))))
        left -= min(left, group.most)
    return Sum.of(amounts)


def hours(begun: datetime, ended: datetime) -> float:
    """Return how many hours have passed."""
    return max(0.0, (ended - begun).total_seconds() / HOUR)
