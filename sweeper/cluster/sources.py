"""What goes to the cluster with a sweep: its file, and those modules of the user's own that it needs."""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sweeper.errors import UsageError
from sweeper.spec import Spec, Value
from sweeper.spec.quantities import shown_bytes

MOST_BYTES = 32 * 2**20
"""Ray keeps what is sent in the memory of the head."""
_OWN = re.compile(r"(?P<module>[A-Za-z_]\w*)(\.\w+)*:[A-Za-z_]\w*")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*")


def gather(spec: Spec, file: Path, beside: Path, folder: Path) -> None:
    """Copy a sweep's file, and from ``beside`` the modules that it needs, into an empty folder.

    Raises:
        UsageError: a module is not there, or all of it is more than `MOST_BYTES`.

    """
    shutil.copyfile(file, folder / file.name)
    for source in _needed(spec, beside):
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=_LEFT_OUT)
        else:
            shutil.copyfile(source, folder / source.name)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > MOST_BYTES:
        raise UsageError(
            f"{file}: it and the modules that it names are {shown_bytes(size)}; must be at most "
            f"{shown_bytes(MOST_BYTES)}"
        )


def _needed(spec: Spec, beside: Path) -> set[Path]:
    """Return files and folders of modules: those that the sweep names, and those beside them that they import."""
    found: set[Path] = set()
    for name in _named(spec.plain()):
        source = _source(name, beside)
        if source is None:
            raise UsageError(
                f"found a component of the module {name!r}; must be {name}.py or {name}/ in {beside}, to be sent"
            )
        _collect(source, beside, found)
    return found


def _collect(source: Path, beside: Path, found: set[Path]) -> None:
    if source in found:
        return
    found.add(source)
    for file in source.rglob("*.py") if source.is_dir() else (source,):
        for name in _imported(file):
            more = _source(name, beside)
            if more is not None and name not in ("sweeper", "models"):  # The cluster has those of its own.
                _collect(more, beside, found)


def _named(value: Value) -> Iterator[str]:
    """Yield the module of every component of the user's own."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _named(item)
    elif isinstance(value, str) and (own := _OWN.fullmatch(value)):
        yield own["module"]


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _source(name: str, beside: Path) -> Path | None:
    return next((path for path in (beside / f"{name}.py", beside / name) if path.exists()), None)
