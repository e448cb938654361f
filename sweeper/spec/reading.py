"""A file or an override to plain values and their places; nothing but plain values is ever built from YAML."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweeper.spec.building import Builder
from sweeper.spec.composing import compose
from sweeper.spec.places import Places, located
from sweeper.spec.values import KEY, Value


@dataclass(frozen=True)
class Document:
    """The values of a file and where each was written."""

    value: Value
    places: Places


def read_document(text: str, source: str, key: str = KEY) -> Document:
    """Read the YAML text of a file; `key` is what its keys may be, as a regular expression.

    Raises:
        UsageError: the text is not one YAML document of plain values.

    """
    return _read(text, source, lambda line: f"{source}:{line}", key)


def read_override(text: str, place: str) -> Document:
    """Read the value of an override by the rules of a file; every part of it was written at `place`.

    Raises:
        UsageError: the text is not one YAML value.

    """
    return _read(text, place, lambda _: place)


def read_file(path: Path) -> str:
    """Return the text of a file.

    Raises:
        UsageError: there is no such file, or it is not text in UTF-8.

    """
    try:
        content = path.read_bytes()
    except IsADirectoryError:
        raise located(str(path), (), "is a folder; must be a YAML file") from None
    except FileNotFoundError:
        raise located(str(path), (), "no such file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise located(str(path), (), f"cannot be read: {reason}") from None
    return _decoded(content, str(path))


def _decoded(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"found the byte 0x{content[error.start]:02x}; must be text in UTF-8"
        raise located(f"{source}:{line}", (), message) from None


def _read(text: str, source: str, place: Callable[[int], str], key: str = KEY) -> Document:
    node = compose(text, place)
    if node is None:
        raise located(source, (), "is empty")
    builder = Builder(place, key)
    value = builder.build(node, ())
    return Document(value, Places(source, builder.written))
