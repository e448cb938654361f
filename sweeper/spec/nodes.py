"""The tree of a specification: plain values with domains and choices among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from sweeper.spec.domains import ChoiceDomain, Domain, FloatDomain, IntDomain
from sweeper.spec.values import KeyPath, Value, dotted


@dataclass(frozen=True)
class Choose:
    """One of several branches; it stands under the key `choose`, beside the keys that every branch shares.

    Attributes:
        branches: label to the settings of a branch, among which may be a `choose` again.

    """

    branches: Mapping[str, "Group"]

    @property
    def labels(self) -> ChoiceDomain:
        """The choice between the branches."""
        return ChoiceDomain(tuple(self.branches))


Node: TypeAlias = "Value | Domain | Group"
Entry: TypeAlias = "Node | Choose"
Group: TypeAlias = Mapping[str, Entry]
Fixed: TypeAlias = Mapping[str, Value]
"""Parameters that are not searched, by name: the branch or the option of an arm."""


def searched(group: Group, fixed: Fixed, at: KeyPath = ()) -> Iterator[tuple[KeyPath, Domain | Choose]]:
    """Yield path and node of everything searched, in every branch that can be chosen, in the order of the file."""
    for key, node in group.items():
        path = (*at, key)
        if isinstance(node, Choose | FloatDomain | IntDomain | ChoiceDomain) and dotted(path) not in fixed:
            yield path, node
        if isinstance(node, Choose):
            for label, branch in open_branches(node, path, fixed).items():
                yield from searched(branch, fixed, (*path, label))
        elif isinstance(node, Mapping):
            yield from searched(node, fixed, path)


def open_branches(node: Choose, path: KeyPath, fixed: Fixed) -> Mapping[str, Group]:
    """Return the branches of a `choose` that can be chosen: all of them, or the one that is fixed."""
    name = dotted(path)
    return {label: branch for label, branch in node.branches.items() if fixed.get(name, label) == label}


def count(group: Group, fixed: Fixed, at: KeyPath = ()) -> int | None:
    """Return the number of configurations of a tree, None if there are infinitely many."""
    sizes = [_size(node, fixed, (*at, key)) for key, node in group.items()]
    return None if None in sizes else prod(size or 0 for size in sizes)


def _size(node: Entry, fixed: Fixed, path: KeyPath) -> int | None:
    if isinstance(node, FloatDomain | IntDomain | ChoiceDomain):
        return 1 if dotted(path) in fixed else node.size
    if isinstance(node, Choose):
        branches = open_branches(node, path, fixed).items()
        sizes = [count(branch, fixed, (*path, label)) for label, branch in branches]
        return None if None in sizes else sum(size or 0 for size in sizes)
    return count(node, fixed, path) if isinstance(node, Mapping) else 1
