"""Objects in S3, or in a store that speaks its protocol: where it is and who we are boto3 finds by itself.

It reads the environment (``AWS_ENDPOINT_URL``, ``AWS_PROFILE``, ``AWS_ACCESS_KEY_ID``), ``~/.aws`` and, on a machine of
AWS, the role of its instance profile.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sweeper.disk import described
from sweeper.errors import UsageError
from sweeper.remote.objects import ChangedError, Found, Listed, StoreError, Version

_URL = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*?))?/*")
_NOT_THERE = ("NoSuchKey", "404")
_ANOTHER = ("PreconditionFailed", *_NOT_THERE)
"""How the store says that what is to be replaced is not there any more."""
_CONFLICT = "ConditionalRequestConflict"
"""How it says that it is at work on another such request for this object, and is to be asked again."""
_MOST_CONFLICTS = 20
_MOST_REMOVED = 1000
"""Keys in one request, by S3's rules."""
_ATTEMPTS = 8
_WRITE = "write"
"""Under which name an object carries the mark of the write that it comes from."""


class S3Objects:
    """See `Objects`."""

    def __init__(self, bucket: str, prefix: str = "") -> None:
        """Take the objects of a bucket whose keys begin with ``prefix``, which ends in a slash or is empty."""
        self._bucket = bucket
        self._prefix = prefix
        with self._telling("reached"):
            self._client = _client()

    @classmethod
    def at(cls, url: str) -> Self:
        """Return the objects at ``s3://bucket/prefix``; raise UsageError where that is no such address."""
        parts = _URL.fullmatch(url)
        if parts is None:
            raise UsageError(f"found {url!r}; must be s3://BUCKET or s3://BUCKET/FOLDER")
        return cls(parts["bucket"], f"{parts['prefix']}/" if parts["prefix"] else "")

    @property
    def url(self) -> str:
        """Where they are."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def below(self, name: str) -> Self:
        """Return the objects in a folder."""
        return type(self)(self._bucket, f"{self._prefix}{name}/")

    def folders(self) -> list[str]:
        """Return the names of folders."""
        with self._telling("listed"):
            pages = self._pages(Delimiter="/")
            prefixes = [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", ())]
        return [prefix.removeprefix(self._prefix).rstrip("/") for prefix in prefixes]

    def here(self) -> dict[str, Listed]:
        """Return the objects in no folder."""
        with self._telling("listed"):
            contents = [found for page in self._pages(Delimiter="/") for found in page.get("Contents", ())]
        return {
            found["Key"].removeprefix(self._prefix): Listed(found["ETag"], found["LastModified"].timestamp())
            for found in contents
        }

    def keys(self) -> Iterator[str]:
        """Yield keys."""
        with self._telling("listed"):
            for page in self._pages():
                yield from (found["Key"].removeprefix(self._prefix) for found in page.get("Contents", ()))

    def read(self, key: str) -> Found | None:
        """Return an object."""
        with self._telling("read", key):
            try:
                answer = self._client.get_object(**self._place(key))
            except ClientError as error:
                if _code(error) in _NOT_THERE:
                    return None
                raise
            return Found(answer["Body"].read(), Version(answer["ETag"]))

    def write(self, key: str, content: bytes, replacing: Version | None) -> Version:
        """Write an object in the place of one that is known.

        An answer may get lost, and boto3 asks again: what is refused then is looked at, whether it is our own.
        """
        mark = uuid4().hex
        condition = {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing}
        request = {**self._place(key), "Body": content, "Metadata": {_WRITE: mark}, **condition}
        with self._telling("written", key):
            try:
                return Version(self._put_where_no_other(request)["ETag"])
            except ClientError as error:
                if _code(error) not in _ANOTHER:
                    raise
            found = self._own(key, mark)
        if found is None:
            raise ChangedError(f"{self.url}/{key}: written by another process as well")
        return found

    def put(self, key: str, content: bytes) -> None:
        """Write an object."""
        with self._telling("written", key):
            self._client.put_object(**self._place(key), Body=content)

    def send(self, key: str, path: Path) -> None:
        """Write the content of a file."""
        with self._telling("written", key, path):
            self._client.upload_file(str(path), self._bucket, self._prefix + key)

    def fetch(self, key: str, path: Path) -> bool:
        """Write an object to a file; boto3 gives it its name when it is whole."""
        with self._telling("read", key, path):
            try:
                self._client.download_file(self._bucket, self._prefix + key, str(path))
            except ClientError as error:
                if _code(error) in _NOT_THERE:
                    return False
                raise
        return True

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects."""
        with self._telling("removed"):
            objects = [{"Key": self._prefix + key} for key in keys]
            for first in range(0, len(objects), _MOST_REMOVED):
                some = objects[first : first + _MOST_REMOVED]
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": some, "Quiet": True})
                for refused in answer.get("Errors", ()):
                    raise StoreError(f"s3://{self._bucket}/{refused['Key']}: cannot be removed ({refused['Code']})")

    def _place(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _pages(self, **options: str) -> Any:
        return self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix, **options
        )

    def _put_where_no_other(self, request: Mapping[str, Any]) -> Any:
        for _ in range(_MOST_CONFLICTS):
            try:
                return self._client.put_object(**request)
            except ClientError as error:
                if _code(error) != _CONFLICT:
                    raise
        return self._client.put_object(**request)

    def _own(self, key: str, mark: str) -> Version | None:
        """Return the version of an object that our own write has left."""
        try:
            answer = self._client.head_object(**self._place(key))
        except ClientError as error:
            if _code(error) in _NOT_THERE:
                return None
            raise
        return Version(answer["ETag"]) if answer["Metadata"].get(_WRITE) == mark else None

    @contextmanager
    def _telling(self, done: str, key: str = "", path: Path = Path()) -> Iterator[None]:
        """Tell in one line what goes wrong, in the store or with the file at ``path``."""
        place = f"{self.url}/{key}".rstrip("/")
        try:
            yield
        except (BotoCoreError, ClientError, S3UploadFailedError) as error:
            raise StoreError(f"{place}: cannot be {done} ({' '.join(str(error).split())})") from error
        except OSError as error:
            raise StoreError(f"{place}: cannot be {done} ({described(error, path)})") from error


@cache
def _client() -> Any:
    """Return the one client of this process, which threads may share.

    boto3 tries again by itself what did not arrive or was refused for the moment, for about a minute; where nothing
    answers at all, for about two.
    """
    retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
    patience = Config(retries=retries, connect_timeout=10, max_pool_connections=32)
    return boto3.client("s3", config=patience)


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
