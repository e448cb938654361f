"""What a machine costs per hour, as AWS says now; where AWS does not say, nothing is guessed."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from sweeper.cluster.aws.client import AwsError, client, telling

_LIST_REGION = "us-east-1"
"""Where AWS's price list is served; it has the prices of all regions."""


@cache
def hourly(instance_type: str, region: str, market: Literal["spot", "on-demand"]) -> float | None:
    """Return US dollars per hour of a machine without its disk; None where AWS does not say."""
    try:
        return _spot(instance_type, region) if market == "spot" else _on_demand(instance_type, region)
    except AwsError:
        return None


def _spot(instance_type: str, region: str) -> float | None:
    """Return the price of now in the dearest zone: in which one a machine will start is not known before."""
    with telling("spot prices"):
        answer = client("ec2", region).describe_spot_price_history(
            InstanceTypes=[instance_type], ProductDescriptions=["Linux/UNIX"], StartTime=datetime.now(UTC)
        )
    return max((float(found["SpotPrice"]) for found in answer["SpotPriceHistory"]), default=None)


def _on_demand(instance_type: str, region: str) -> float | None:
    """Return the price of the list; None also where the list has more than one that fits."""
    wanted = {
        "instanceType": instance_type,
        "regionCode": region,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    with telling("the price list"):
        answer = client("pricing", _LIST_REGION).get_products(ServiceCode="AmazonEC2", Filters=filters)
    prices = {price for text in answer["PriceList"] for price in _usd(json.loads(text))}
    return prices.pop() if len(prices) == 1 else None


def _usd(product: Mapping[str, Any]) -> Iterator[float]:
    """Yield the hourly prices of a product in the price list that are to be paid on demand."""
    for offer in product["terms"].get("OnDemand", {}).values():
        for dimension in offer["priceDimensions"].values():
            if dimension["unit"] == "Hrs":
                yield float(dimension["pricePerUnit"]["USD"])
