"""The bucket of a cluster: made private and encrypted, never removed; a bucket that is not like that is refused."""

from typing import Any

from sweeper.cluster.aws.client import AwsError, allowing, client, is_there, telling

_FIRST_REGION = "us-east-1"
"""The region that S3 means where it is told none, and that it does not take by name."""
_DAYS = 7
"""After so many days S3 forgets an upload that was begun and never ended, which costs as much as one that was."""
_CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def ensure_bucket(name: str, region: str) -> bool:
    """Make a bucket where there is none; return whether it was made.

    Raises:
        AwsError: it belongs to somebody else, is in another region, is open to the public or keeps what is removed.

    """
    s3 = client("s3", region)
    with telling(f"bucket {name}"):
        if is_there(lambda: s3.head_bucket(Bucket=name), "404", "NoSuchBucket", "403"):  # 403: it is somebody else's.
            _check(s3, name, region)
            return False
        place = {} if region == _FIRST_REGION else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **place)
        _close(s3, name)
    return True


def _close(s3: Any, name: str) -> None:
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=_CLOSED)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    forgetting = {
        "ID": "forget-unfinished-uploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _DAYS},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [forgetting]})


def _check(s3: Any, name: str, region: str) -> None:
    """Refuse a bucket that would cost more, or show more, than one of ours."""
    place = s3.get_bucket_location(Bucket=name)["LocationConstraint"] or _FIRST_REGION
    if place != region:
        raise AwsError(f"bucket {name}: is in {place}, the cluster in {region}; every byte between them would cost")
    if s3.get_bucket_versioning(Bucket=name).get("Status") == "Enabled":
        raise AwsError(f"bucket {name}: keeps versions, so that checkpoints that are removed would go on costing")
    blocked: dict[str, bool] = {}
    with allowing("NoSuchPublicAccessBlockConfiguration"):
        blocked = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    if blocked != _CLOSED:
        raise AwsError(f"bucket {name}: does not block public access; aws s3api put-public-access-block closes it")
