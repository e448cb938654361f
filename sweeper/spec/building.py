"""YAML nodes to plain values, with the place of each, and without what YAML makes dangerous or ambiguous."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import yaml

from sweeper.errors import UsageError
from sweeper.spec.composing import DEEPEST
from sweeper.spec.places import located
from sweeper.spec.scalars import scalar
from sweeper.spec.values import KEY, KeyPath, Scalar, Value

_MOST_VALUES = 20_000
_PREFIX = "tag:yaml.org,2002:"
_MERGE = f"{_PREFIX}merge"
_SCALAR_KINDS = frozenset({"null", "bool", "int", "float", "str", "timestamp", "value", "merge"})


class Builder:
    """Builds plain values from nodes, a fresh copy wherever an alias stands.

    Attributes:
        written: the place of every value built, by its path.

    """

    def __init__(self, place: Callable[[int], str], key: str = KEY) -> None:
        self.written: dict[KeyPath, str] = {}
        self._place = place
        self._allowed = key
        self._open: list[yaml.Node] = []
        self._values = 0

    def build(self, node: yaml.Node, path: KeyPath) -> Value:
        """Return the value of a node that stands at a path.

        Raises:
            UsageError: a tag that is not plain YAML, a key twice, a key that is not a name, an alias inside of its own
                anchor, an ambiguous scalar, or too much nesting or repetition.

        """
        self.written.setdefault(path, self._place(_line(node)))
        with self._inside(node, path):
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                self._kind(node, path, frozenset({"seq"}))
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path)

    @contextmanager
    def _inside(self, node: yaml.Node, path: KeyPath) -> Iterator[None]:
        self._values += 1
        if node in self._open:
            raise self._error(node, path, "found an alias inside of its own anchor")
        if self._values > _MOST_VALUES or len(self._open) >= DEEPEST:
            raise self._error(node, path, f"aliases expand to more than {_MOST_VALUES} values or {DEEPEST} levels")
        self._open.append(node)
        yield
        self._open.pop()

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Value]:
        entries = self._entries(node, path)
        for key, (key_node, _) in entries.items():
            self.written[*path, key] = self._place(_line(key_node))
        return {key: self.build(value, (*path, key)) for key, (_, value) in entries.items()}

    def _entries(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        self._kind(node, path, frozenset({"map"}))
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key_node, value in node.value:
            if key_node.tag == _MERGE:
                merged = self._merged(value, path) | merged
                continue
            key = self._key(key_node, path)
            if key in own:
                raise self._error(key_node, path, f"found the key '{key}' twice, first on line {_line(own[key][0])}")
            own[key] = (key_node, value)
        return merged | own

    def _merged(self, node: yaml.Node, path: KeyPath) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(source, yaml.MappingNode):
                raise self._error(source, path, "found << with something else; must merge a mapping or a list of them")
            with self._inside(source, path):
                entries = self._entries(source, path) | entries
        return entries

    def _key(self, node: yaml.Node, path: KeyPath) -> str:
        """Return a key, which is always text: a label `off` or `100` means just that."""
        if not isinstance(node, yaml.ScalarNode):
            raise self._error(node, path, "found a list or a mapping as a key; must be a name")
        self._kind(node, path, _SCALAR_KINDS)
        key = str(node.value)
        if not re.fullmatch(self._allowed, key):
            allowed = "1 to 64 letters, digits, _ or -" if self._allowed == KEY else "printable text"
            raise self._error(node, path, f"found the key '{key}'; must be {allowed}")
        return key

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Scalar:
        try:
            return scalar(self._kind(node, path, _SCALAR_KINDS), node.value)
        except ValueError as error:
            raise self._error(node, path, str(error)) from None

    def _kind(self, node: yaml.Node, path: KeyPath, allowed: frozenset[str]) -> str:
        kind = node.tag.removeprefix(_PREFIX)
        if kind not in allowed or kind == node.tag:
            raise self._error(node, path, f"found the tag {node.tag.replace(_PREFIX, '!!')}; must be plain YAML")
        return str(kind)

    def _error(self, node: yaml.Node, path: KeyPath, message: str) -> UsageError:
        return located(self._place(_line(node)), path, message)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
