"""The search space of one arm, defined by running it: parameters exist only in the branches that were chosen."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import TypeAlias

from sweeper.spec import enumeration
from sweeper.spec.domains import ChoiceDomain, Domain, FloatDomain, IntDomain
from sweeper.spec.nodes import Choose, Fixed, Group, Node, count, searched
from sweeper.spec.places import Places
from sweeper.spec.values import KeyPath, Value, dotted

Suggest: TypeAlias = Callable[[str, Domain], Value]
"""Picks the value of a parameter, given its name and its domain."""


@dataclass(frozen=True)
class Resolved:
    """One concrete configuration of a space.

    Attributes:
        config: the sections data, model, objective and training, plain JSON without a domain or a `choose`.
        parameters: the values picked, by name, in the order of the file.
        origins: path in `config` to path in the file, of every mapping, list and value.

    """

    config: dict[str, Value]
    parameters: dict[str, Value]
    origins: dict[KeyPath, KeyPath]

    def origin(self, path: KeyPath) -> KeyPath:
        """Return the path in the file, as `Spec.error` takes it, of a path in `config`, even of one that is missing."""
        known = next(length for length in range(len(path), -1, -1) if path[:length] in self.origins)
        return self.origins[path[:known]] + path[known:]


@dataclass(frozen=True)
class Space:
    """The configurations of one arm.

    Attributes:
        tree: the sections with their domains and choices.
        fixed: what makes the arm, by parameter name; it is not searched.
        places: where each value was written.

    """

    tree: Group
    fixed: Fixed
    places: Places

    def resolve(self, suggest: Suggest) -> Resolved:
        """Return the configuration for which `suggest` picks each parameter.

        It is called once per parameter that exists, in the order of the file; for a `choose` with the choice of its
        labels. A parameter's name is its dotted path without the word `choose`, labels of branches included.

        Raises:
            ValueError: a value picked is not in its domain.

        """
        run = _Run(suggest, self.fixed)
        config = run.group(self.tree, (), ())
        return Resolved(config, run.parameters, run.origins)

    def corners(self) -> Iterator[Resolved]:
        """Yield configurations that visit every branch and take each extreme value of every domain at least once.

        The extremes of a choice are all of its options. Everything else is held at its first value, so their number
        grows with the sum of the extremes, not with their product.
        """
        return enumeration.corners(self.resolve)

    def costliest(self, cost: Callable[[dict[str, Value]], float]) -> Resolved:
        """Return the configuration that costs most, as far as the corners' extremes, one after another, tell."""
        return enumeration.costliest(self.resolve, lambda resolved: cost(resolved.config))

    def grid(self) -> Iterator[dict[str, Value]]:
        """Yield the parameters of every configuration, in the order of the file: the last changes fastest.

        Raises:
            UsageError: a domain has infinitely many values.

        """
        for path, node in searched(self.tree, self.fixed):
            if isinstance(node, FloatDomain) and node.size is None:
                raise self.places.error(path, "found a float range without a step; a grid needs a finite space")
        return (resolved.parameters for resolved in enumeration.grid(self.resolve))

    def count(self) -> int | None:
        """Return the number of configurations of the grid, None if there are infinitely many."""
        return count(self.tree, self.fixed)


class _Run:
    """One run over a tree; `source` is a path in the file, `path` the one in the configuration."""

    def __init__(self, suggest: Suggest, fixed: Fixed) -> None:
        self.parameters: dict[str, Value] = {}
        self.origins: dict[KeyPath, KeyPath] = {}
        self._suggest = suggest
        self._fixed = fixed

    def group(self, group: Group, source: KeyPath, path: KeyPath) -> dict[str, Value]:
        self.origins.setdefault(path, source)
        config: dict[str, Value] = {}
        for key, node in group.items():
            at = (*source, key)
            if isinstance(node, Choose):
                label = str(self._pick(at, node.labels))
                config |= self.group(node.branches[label], (*at, label), path)
            else:
                config[key] = self._node(node, at, (*path, key))
        return config

    def _node(self, node: Node, source: KeyPath, path: KeyPath) -> Value:
        if isinstance(node, Mapping):
            return self.group(node, source, path)
        self.origins[path] = source
        if isinstance(node, FloatDomain | IntDomain | ChoiceDomain):
            return self._pick(source, node)
        return deepcopy(node)

    def _pick(self, source: KeyPath, domain: Domain) -> Value:
        name = dotted(source)
        if name in self._fixed:
            return self._fixed[name]
        value = self._suggest(name, domain)
        if not domain.contains(value):
            raise ValueError(f"{name}: suggested {value!r}; must be in {domain}")
        self.parameters[name] = value
        return value
