"""Arms: what `sweep.arms` names, and the parameter that each of them fixes."""

import re
from collections.abc import Mapping

from sweeper.spec.domains import ChoiceDomain
from sweeper.spec.nodes import Choose, Fixed, Group, searched
from sweeper.spec.places import Places
from sweeper.spec.values import CHOOSE, KeyPath, Scalar, dotted, listed, shown

ONLY_ARM = "all"
"""The label of the one arm of a sweep without arms."""

_LONGEST = 64
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_AT = ("sweep", "arms")


def arms_of(tree: Group, name: str | None, places: Places) -> Mapping[str, Fixed]:
    """Return what each arm fixes, by its label, which is fit for a folder's name.

    Args:
        tree: the sections of the sweep.
        name: dotted path of a `choose` or a choice, None for one arm that fixes nothing.
        places: where each value was written.

    Raises:
        UsageError: there is none at that path, it does not exist in every configuration, or its options make no
            distinct labels.

    """
    if name is None:
        return {ONLY_ARM: {}}
    path, node = _named(tree, name, places)
    if isinstance(node, Choose):
        return {label: {name: label} for label in node.branches}
    return {label: {name: option} for label, option in _labelled(node, path, places).items()}


def _named(tree: Group, name: str, places: Places) -> tuple[KeyPath, Choose | ChoiceDomain]:
    choices = {
        dotted(path): (path, node) for path, node in searched(tree, {}) if isinstance(node, Choose | ChoiceDomain)
    }
    allowed = listed(other for other, (path, _) in choices.items() if not _enclosing(path))
    if name not in choices:
        raise places.error(_AT, f"found {shown(name)}; must be the path of a choose or a choice: {allowed}")
    if outer := _enclosing(choices[name][0]):
        reason = f"which exists only in a branch of {dotted(outer)}"
        raise places.error(_AT, f"found {shown(name)}, {reason}; must be in every configuration: {allowed}")
    return choices[name]


def _enclosing(path: KeyPath) -> KeyPath:
    """Return the path of the outermost `choose` in one of whose branches something stands, or an empty one."""
    return path[: path.index(CHOOSE)] if CHOOSE in path[:-1] else ()


def _labelled(choice: ChoiceDomain, path: KeyPath, places: Places) -> dict[str, Scalar]:
    options: dict[str, Scalar] = {}
    for option in choice.options:
        label = _UNSAFE.sub("_", str(option))
        if not 1 <= len(label) <= _LONGEST:
            raise places.error(
                path, f"found the option {shown(option)}; must have 1 to {_LONGEST} letters to be an arm"
            )
        if label in options:
            pair = f"{shown(options[label])} and {shown(option)}"
            raise places.error(
                path, f"found {pair}, which would both be the arm {label}; must differ in letters or digits"
            )
        options[label] = option
    return options
