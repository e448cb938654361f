"""A store in memory that keeps the contract of `Objects`, and that a test can cut off at any request."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

from sweeper.remote.objects import ChangedError, Found, Listed, Version


class Cut(BaseException):
    """Stands for the end of the process."""


class MemoryObjects:
    """See `Objects`; what is ``below`` is the same store."""

    def __init__(self, objects: dict[str, Found] | None = None, prefix: str = "", top: Self | None = None) -> None:
        self.objects = {} if objects is None else objects
        self._prefix = prefix
        self._top = top or self
        self._before: Callable[[str], None] = lambda request: None

    @property
    def before(self) -> Callable[[str], None]:
        """Called with the name of each request that changes something in the store, before it is done; may raise."""
        return self._top._before

    @before.setter
    def before(self, act: Callable[[str], None]) -> None:
        self._top._before = act

    @property
    def url(self) -> str:
        return f"memory://test/{self._prefix}".rstrip("/")

    def below(self, name: str) -> Self:
        return type(self)(self.objects, f"{self._prefix}{name}/", self._top)

    def folders(self) -> list[str]:
        return sorted({key.partition("/")[0] for key in self.keys() if "/" in key})

    def here(self) -> dict[str, Listed]:
        moments = {key: float(moment) for moment, key in enumerate(self.objects, start=1)}
        ours = {key: self._prefix + key for key in self.keys() if "/" not in key}
        return {key: Listed(self.objects[name].version, moments[name]) for key, name in ours.items()}

    def keys(self) -> Iterator[str]:
        ours = [key for key in sorted(self.objects) if key.startswith(self._prefix)]
        yield from (key.removeprefix(self._prefix) for key in ours)

    def read(self, key: str) -> Found | None:
        return self.objects.get(self._prefix + key)

    def write(self, key: str, content: bytes, replacing: Version | None) -> Version:
        self.before("write")
        found = self.read(key)
        if (None if found is None else found.version) != replacing:
            raise ChangedError(f"{self.url}/{key}: written by another process as well")
        return self._set(key, content)

    def put(self, key: str, content: bytes) -> None:
        self.before("put")
        self._set(key, content)

    def send(self, key: str, path: Path) -> None:
        self.before("send")
        self._set(key, path.read_bytes())

    def fetch(self, key: str, path: Path) -> bool:
        found = self.read(key)
        if found is not None:
            path.unlink(missing_ok=True)
            path.write_bytes(found.content)
        return found is not None

    def remove(self, keys: Iterable[str]) -> None:
        for key in list(keys):
            self.before("remove")
            self.objects.pop(self._prefix + key, None)

    def _set(self, key: str, content: bytes) -> Version:
        version = Version(hashlib.sha256(content).hexdigest())  # Equal contents have one version, as on S3.
        self.objects.pop(self._prefix + key, None)  # In the order in which they were written.
        self.objects[self._prefix + key] = Found(content, version)
        return version
