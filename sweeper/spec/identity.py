"""What a specification contains, as plain values: to write it so that it reads back, and to tell sweeps apart."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sweeper.spec.domains import ChoiceDomain, Domain, FloatDomain, IntDomain
from sweeper.spec.nodes import Choose, Entry, Group
from sweeper.spec.values import Value

if TYPE_CHECKING:
    from sweeper.spec.settings import SweepSettings

_ELSEWHERE = {"resources", "workers", "checkpoints", "failures", "study", "mode"}
"""Settings that are no part of a sweep's identity: on what it runs, what is kept of it and where, what is done where
something goes wrong, and a mode, of which the direction is part."""


def plain_tree(group: Group) -> dict[str, Value]:
    """Return a tree as it is written in a file."""
    return {key: _plain(node) for key, node in group.items()}


def _plain(node: Entry) -> Value:
    if isinstance(node, FloatDomain | IntDomain | ChoiceDomain):
        return plain_domain(node)
    if isinstance(node, Choose):
        return {label: plain_tree(branch) for label, branch in node.branches.items()}
    return plain_tree(node) if isinstance(node, Mapping) else node


def plain_domain(domain: Domain) -> dict[str, Value]:
    """Return a domain as it is written in a file."""
    if isinstance(domain, ChoiceDomain):
        return {"choice": list(domain.options)}
    plain: dict[str, Value] = {"int" if isinstance(domain, IntDomain) else "float": [domain.low, domain.high]}
    if domain.log:
        plain["log"] = True
    if domain.step != type(domain).step:
        plain["step"] = domain.step
    return plain


def plain_settings(settings: "SweepSettings") -> dict[str, Value]:
    """Return settings as they are written in a file, every default in words and null for what there is none of."""
    plain: dict[str, Value] = settings.model_dump()
    return plain


def digest(name: str, tree: Group, settings: "SweepSettings") -> str:
    """Return the SHA-256, in hexadecimal, of what makes a sweep the one it is.

    The name, the sections with their domains and branches, and the settings with their defaults count; the question,
    the resources, the workers and the place of the study do not, and neither does the order of keys and branches. The
    order of the options of a choice does.
    """
    kept = {key: value for key, value in plain_settings(settings).items() if key not in _ELSEWHERE}
    content = {"name": name, **plain_tree(tree), "sweep": kept | {"direction": settings.direction}}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
