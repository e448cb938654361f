"""An MLflow client on which one call, or every call for a while, goes wrong."""

from collections.abc import Callable
from typing import Any


class Killed(BaseException):
    """The process ended here; nothing of it may run on."""


class Flaky:
    """Passes calls on to a client, and raises before or after those that ``fails`` names by their number, from 0.

    Raising after the call is the answer that is lost on its way: what was asked has been done.
    """

    def __init__(self, client: Any, fails: Callable[[int], bool], error: BaseException, *, after: bool = False) -> None:
        self.calls: list[str] = []
        self._client = client
        self._fails = fails
        self._error = error
        self._after = after

    def connect(self, uri: str) -> "Flaky":
        """Stand in for `sweeper.tracking.store.connect`."""
        return self

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            number = len(self.calls)
            self.calls.append(name)
            if self._fails(number) and not self._after:
                raise self._error
            answer = method(*arguments, **keywords)
            if self._fails(number):
                raise self._error
            return answer

        return call
