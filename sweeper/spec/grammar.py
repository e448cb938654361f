"""The grammar of data, model, objective and training: where domains and a `choose` may stand."""

from collections.abc import Set as AbstractSet

from sweeper.spec.domain_grammar import is_domain, parse_domain
from sweeper.spec.nodes import Choose, Entry, Group, Node
from sweeper.spec.places import Places
from sweeper.spec.values import CHOOSE, DOMAIN_WORDS, KeyPath, Value, shown

COMPONENTS = ("data", "model", "objective")
"""Sections that describe one component, for which its bare name may stand."""

SECTIONS = (*COMPONENTS, "training")
"""Sections in which a value may be a domain and a mapping may choose."""

OPTIONAL = "objective"
"""The section that may be missing: a model comes with an objective of its own."""

_NOTHING: frozenset[str] = frozenset()


def parse_section(section: str, value: Value, places: Places) -> Group:
    """Return the tree of one of the SECTIONS.

    Raises:
        UsageError: it is no mapping (nor a name, for one of the COMPONENTS), or breaks the grammar.

    """
    if section in COMPONENTS and isinstance(value, str) and value:
        return {"name": value}
    if not isinstance(value, dict):
        allowed = "a mapping, or the name of a component" if section in COMPONENTS else "a mapping"
        raise places.error((section,), f"found {shown(value)}; must be {allowed}")
    if is_domain(value):
        raise places.error((section,), f"found {shown(value)}; a section must be a mapping with the domains in it")
    return _Grammar(places).group(value, (section,), _NOTHING)


def refuse_domains(value: Value, path: KeyPath, places: Places, where: str) -> None:
    """Check that neither a value nor anything in it is a domain or a `choose`.

    Raises:
        UsageError: something is; the message says that it may not stand `where`.

    """
    if isinstance(value, dict):
        for word in (*DOMAIN_WORDS, CHOOSE):
            if word in value:
                raise places.error(path, f"found {word}; a domain or a choose may not stand in {where}")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        refuse_domains(item, (*path, key), places, where)


class _Grammar:
    """Parses the values of one file; paths are those in the file, `choose` included."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def group(self, value: dict[str, Value], path: KeyPath, inherited: AbstractSet[str]) -> Group:
        """Parse a mapping that is no domain; a branch inherits the keys that stand beside its `choose`."""
        keys = value.keys() - {CHOOSE}
        group: dict[str, Entry] = {}
        for key, item in value.items():
            at = (*path, key)
            group[key] = self._choose(item, at, keys, inherited) if key == CHOOSE else self._node(item, at)
        return group

    def _node(self, value: Value, path: KeyPath) -> Node:
        if isinstance(value, dict):
            return parse_domain(value, path, self._places) if is_domain(value) else self.group(value, path, _NOTHING)
        refuse_domains(value, path, self._places, "a list")
        return value

    def _choose(self, value: Value, path: KeyPath, siblings: AbstractSet[str], inherited: AbstractSet[str]) -> Choose:
        if not isinstance(value, dict) or not value:
            raise self._places.error(path, f"found choose: {shown(value)}; must be a mapping of branches")
        for label in value:
            if label in siblings:
                raise self._places.error((*path, label), f"found {label} both as a branch and beside the choose")
        shared = siblings | inherited
        return Choose({label: self._branch(label, branch, (*path, label), shared) for label, branch in value.items()})

    def _branch(self, label: str, value: Value, path: KeyPath, shared: AbstractSet[str]) -> Group:
        value = {} if value is None else value
        if not isinstance(value, dict) or is_domain(value):
            raise self._places.error(path, f"found {shown(value)}; a branch must be a mapping of settings, or empty")
        for key in value:
            if key in shared:
                raise self._places.error((*path, key), f"found {key} both in a branch and beside the choose")
        group = self.group(value, path, shared)
        named = "name" in shared or "name" in value or CHOOSE in value or not _is_component(path)
        return group if named else {"name": label, **group}


def _is_component(path: KeyPath) -> bool:
    """Whether a branch describes a component, which has a name; the section training as a whole has none."""
    return path[0] != "training" or any(key != CHOOSE for key in path[1::2])
