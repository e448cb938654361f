"""An MLflow client that counts what it is asked; it answers at once, or lets a real client answer."""

from collections import Counter
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any


class RecordedMlflow:
    """Knows how often it was asked what. Without a real client it takes everything and holds nothing."""

    def __init__(self, client: Any = None) -> None:
        self._client = client
        self.requests: Counter[str] = Counter()
        self.metrics = 0
        self._ids = count()

    def connect(self, uri: str) -> "RecordedMlflow":
        """Stand in for `sweeper.tracking.store.connect`."""
        return self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            self.requests[name] += 1
            self.metrics += len(keywords.get("metrics", ()))
            return self._answer(name) if self._client is None else getattr(self._client, name)(*arguments, **keywords)

        return call

    def _answer(self, name: str) -> Any:
        if name == "get_experiment_by_name":
            return SimpleNamespace(experiment_id="1", lifecycle_stage="active")
        if name == "create_run":
            return SimpleNamespace(info=SimpleNamespace(run_id=f"run-{next(self._ids)}"))
        return _Page() if name == "search_runs" else None


class _Page(list[Any]):
    token = None
