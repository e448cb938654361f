"""Which configurations of a space to look at when all of them, or its corners, are wanted.

Both work on the space as it runs, so that a parameter is met only where it exists.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from sweeper.spec.domains import Domain
from sweeper.spec.values import Value

T = TypeVar("T")
Run: TypeAlias = Callable[[Callable[[str, Domain], Value]], T]
"""Runs a space with a function that picks the value of each parameter it meets."""


def corners(run: Run[T]) -> Iterator[T]:
    """Yield results that visit every branch and every extreme value, all else at its first value (no product)."""
    met: set[str] = set()
    waiting: deque[dict[str, Value]] = deque([{}])
    while waiting:
        assignment = waiting.popleft()
        result, domains = _run_with(run, assignment)
        yield result
        for name, domain in domains.items():
            if name not in met:
                met.add(name)
                waiting.extend({**assignment, name: value} for value in domain.extremes[1:])


def costliest(run: Run[T], cost: Callable[[T], float], found: Mapping[str, Value] | None = None) -> T:
    """Return the result that costs most, as far as trying the extremes of one parameter after another finds it.

    Those before it are at what was ``found`` for them, those after it at their first values. Only of branches each is
    tried with the best that there is in it.
    """
    found = found or {}
    result, domains = _run_with(run, found)
    name = next((name for name in domains if name not in found), None)
    if name is None:
        return result
    options = [{**found, name: value} for value in domains[name].extremes]
    tried = [_run_with(run, option) for option in options]
    if any(met.keys() != domains.keys() for _, met in tried):
        return max((costliest(run, cost, option) for option in options), key=cost)
    costs = [cost(one) for one, _ in tried] if len(tried) > 1 else [0.0]
    return costliest(run, cost, options[costs.index(max(costs))])


def _run_with(run: Run[T], assignment: Mapping[str, Value]) -> tuple[T, dict[str, Domain]]:
    domains: dict[str, Domain] = {}

    def pick(name: str, domain: Domain) -> Value:
        domains[name] = domain
        return assignment.get(name, domain.extremes[0])

    return run(pick), domains


def grid(run: Run[T]) -> Iterator[T]:
    """Yield the result of every assignment of a finite space; the last parameter changes fastest."""
    ranks: list[int] | None = []
    while ranks is not None:
        result, sizes = _run_at(run, ranks)
        yield result
        ranks = _next(ranks, sizes)


def _run_at(run: Run[T], ranks: Sequence[int]) -> tuple[T, list[int]]:
    sizes: list[int] = []

    def pick(_: str, domain: Domain) -> Value:
        rank = ranks[len(sizes)] if len(sizes) < len(ranks) else 0
        sizes.append(domain.size or 0)
        return domain.at(rank)

    return run(pick), sizes


def _next(ranks: Sequence[int], sizes: Sequence[int]) -> list[int] | None:
    """Count on by one, like an odometer whose later wheels depend on the earlier; None after the last."""
    full = [*ranks, *[0] * (len(sizes) - len(ranks))]
    for wheel in reversed(range(len(sizes))):
        if full[wheel] + 1 < sizes[wheel]:
            return [*full[:wheel], full[wheel] + 1]
    return None
