"""Prices of machines, as they are printed."""

from sweeper.cluster.billing import Market, PriceOf
from sweeper.cluster.description import Cluster

UNKNOWN = "unknown"


def prices_of(cluster: Cluster) -> PriceOf:
    """Return what says the price of a type of instance where a cluster is."""
    from sweeper.cluster.aws.prices import hourly  # boto3, which takes a while to import.

    region = cluster.values["region"]

    def price(kind: str, market: Market) -> float | None:
        return hourly(kind, region, market)

    return price


def shown_price(price: float | None) -> str:
    """Return a price for a table."""
    return UNKNOWN if price is None else f"{price:.3f}"
