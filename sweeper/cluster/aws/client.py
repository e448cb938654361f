"""AWS's services, asked with whatever credentials boto3 finds; what it refuses becomes one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sweeper.errors import SweeperError

TAG = "sweeper:cluster"
"""The tag by which everything of a cluster is found, its value the cluster's name."""


class AwsError(SweeperError):
    """AWS does not answer, or refuses."""


@cache
def knowledge() -> Any:
    """Return what botocore knows of AWS without asking it: regions, partitions, and the form of every request."""
    from botocore.session import Session

    return Session()


@cache
def client(service: str, region: str) -> Any:
    """Return a client of a service, such as ``ec2``; boto3 tries again by itself what was refused for the moment."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    try:
        return boto3.client(service, region_name=region, config=Config(retries={"mode": "standard", "max_attempts": 8}))
    except BotoCoreError as error:
        raise AwsError(f"AWS {service} in {region}: {_in_one_line(error)}") from error


@contextmanager
def telling(step: str) -> Iterator[None]:
    """Turn what AWS refuses in a step into one line that names the step.

    Raises:
        AwsError: AWS did not do it.

    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise AwsError(f"{step}: {_in_one_line(error)}") from error


@contextmanager
def allowing(*codes: str) -> Iterator[None]:
    """Pass over what AWS refuses with one of these codes: it is there already, or not there any more."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if _code(error) not in codes:
            raise


def is_there(ask: Callable[[], Any], *codes: str) -> bool:
    """Return whether AWS knows what it is asked for, rather than refusing with one of these codes."""
    from botocore.exceptions import ClientError

    try:
        ask()
    except ClientError as error:
        if _code(error) not in codes:
            raise
        return False
    return True


def _code(error: Any) -> str:
    return str(error.response["Error"]["Code"])


def tags(cluster: str, owner: str) -> list[dict[str, str]]:
    """Return the tags of all that belongs to a cluster."""
    return [{"Key": TAG, "Value": cluster}, {"Key": "sweeper:owner", "Value": owner}]


def _in_one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
