"""What a run in MLflow is to say, in MLflow's terms and within its limits, before any of it is sent."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

Status = Literal["RUNNING", "FINISHED", "KILLED", "FAILED"]

LONGEST_VALUE = 5000
"""Characters of a tag's or a parameter's value; MLflow takes 8000 and 6000."""
LONGEST_KEY = 250


@dataclass(frozen=True)
class Row:
    """Metrics of one moment."""

    step: int
    timestamp: int
    """Milliseconds since 1970."""
    metrics: dict[str, float]


@dataclass(frozen=True)
class Content:
    """All that a run is to say. The same disk gives the same content, whenever it is read."""

    name: str
    tags: dict[str, str]
    params: dict[str, str]
    rows: tuple[Row, ...]
    clock: str
    """The metric that rises from row to row; its last value in MLflow tells how many rows have been sent."""
    status: Status
    started: int
    """Milliseconds since 1970."""
    ended: int
    """Milliseconds since 1970; counts where ``status`` is not RUNNING."""
    folder: Path
    files: tuple[str, ...]
    """Artifacts that are there, relative to ``folder``."""
    pictures: tuple[str, ...] = ()
    """Pictures that are there, relative to ``folder``, of several kinds and epochs."""

    def still_there(self) -> Self:
        """Return the content without the files that have been removed since it was read."""
        files, pictures = (existing(self.folder, names) for names in (self.files, self.pictures))
        return replace(self, files=files, pictures=pictures)


def key(name: str) -> str:
    """Return ``name`` as MLflow accepts it for a metric or a parameter: no odd characters, no path that resolves."""
    parts = re.sub(r"[^\w.\- :/]", "_", name).split("/")
    return "/".join(part for part in parts if part.strip("."))[:LONGEST_KEY] or "_"


def milliseconds(moment: datetime) -> int:
    """Return a moment in milliseconds since 1970; one without a time zone is local time."""
    return round(moment.timestamp() * 1000)


def flatten(config: Mapping[str, Any]) -> dict[str, str]:
    """Return a configuration as dotted names and text: ``{"model": {"layers": 2}}`` is ``{"model.layers": "2"}``."""
    return {key(".".join(path)): _text(value)[:LONGEST_VALUE] for path, value in _leaves(config, ())}


def existing(folder: Path, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of ``names`` that are files in ``folder``."""
    return tuple(name for name in names if (folder / name).is_file())


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _leaves(item, (*path, str(name)))
    elif path:
        yield path, value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
