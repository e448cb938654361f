"""From an address to the objects there."""

from sweeper.errors import UsageError
from sweeper.remote.objects import Objects


def open_objects(url: str) -> Objects:
    """Return the objects below ``s3://bucket/prefix``.

    Raises UsageError where that is no such address or the client's library is not installed.
    """
    try:
        # It takes a while to import, and comes with an extra.
        from sweeper.remote.s3 import S3Objects
    except ModuleNotFoundError as error:
        raise UsageError(f"{url}: {error.name} is not installed; must be: pip install 'sweeper[aws]'") from error
    return S3Objects.at(url)
