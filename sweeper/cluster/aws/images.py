"""Machine images by lookup: an id goes stale, the newest image of a name does not."""

from collections.abc import Mapping
from dataclasses import dataclass

from sweeper.cluster.aws.client import AwsError, client, telling


@dataclass(frozen=True)
class Found:
    """A machine image."""

    id: str
    name: str


def newest_image(region: str, image: Mapping[str, str]) -> Found:
    """Return the newest image that is available in a region from an owner under a name with stars.

    Raises:
        AwsError: there is none, or AWS does not answer.

    """
    owner, name = image["owner"], image["name"]
    with telling(f"looking up the image {name!r}"):
        filters = [{"Name": "name", "Values": [name]}, {"Name": "state", "Values": ["available"]}]
        answer = client("ec2", region).describe_images(Owners=[owner], Filters=filters)
    if not answer["Images"]:
        raise AwsError(f"image {name!r} of {owner}: there is none in {region}; `image` in the cluster's file names it")
    found = max(answer["Images"], key=lambda image: str(image["CreationDate"]))
    return Found(found["ImageId"], found["Name"])
