"""What a trial's parameters are in another search space that gives it the configuration it was trained with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from optuna.distributions import BaseDistribution
from optuna.trial import create_trial

from sweeper.search.changes import differences, in_words
from sweeper.search.suggestions import distribution_of
from sweeper.spec import ChoiceDomain, Domain, KeyPath, Space, Value
from sweeper.spec.identity import plain_domain
from sweeper.spec.nodes import searched
from sweeper.spec.values import dotted


class FalsifiedError(Exception):
    """A search space does not give a trial the configuration it was trained with."""

    def __init__(self, path: KeyPath, found: str, must: str) -> None:
        """Say what was found at a path of the file, and what it must be for the trial to stay what it is."""
        super().__init__(dotted(path), found, must)
        self.path, self.found, self.must = path, found, must


@dataclass(frozen=True)
class Placed:
    """A trial's parameters in a search space."""

    parameters: dict[str, Value] = field(default_factory=dict)
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)
    """What Optuna takes from past trials for the range of each."""

    def put(self, name: str, domain: Domain, value: Value) -> Value:
        """Take in one parameter, and return its value as Optuna will return it.

        Raises ValueError where the value is none of the domain's.
        """
        distribution = distribution_of(domain)
        value = distribution.to_external_repr(distribution.to_internal_repr(value))
        create_trial(params={name: value}, distributions={name: distribution}, value=0.0)  # It checks what it is given.
        self.parameters[name], self.distributions[name] = value, distribution
        return value


class Translator:
    """Takes trials of one arm from the space in which they were made to another one."""

    def __init__(self, old: Space, new: Space) -> None:
        self._old = old
        self._new = new
        self._paths = {dotted(path): path for path, _ in searched(new.tree, {})}

    def place(self, parameters: Mapping[str, Value], config: Mapping[str, Value]) -> Placed:
        """Return a trial's parameters in the new space.

        Raises FalsifiedError where its configuration is none of that space.
        """
        known = {**self._fixed(parameters), **parameters}
        placed = Placed()

        def suggest(name: str, domain: Domain) -> Value:
            if name not in known:
                raise FalsifiedError(self._paths[name], _shown(domain), "must stay without such a parameter")
            try:
                return placed.put(name, domain, known[name])
            except ValueError:
                must = f"must still hold {in_words(known[name])}"
                raise FalsifiedError(self._paths[name], _shown(domain), must) from None

        resolved = self._new.resolve(suggest)
        for difference in differences(config, resolved.config):
            must = "must stay out" if difference.before is None else f"must stay {in_words(difference.before)}"
            raise FalsifiedError(resolved.origin(difference.path), in_words(difference.after), must)
        return placed

    def _fixed(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """Return what the old space fixed for these parameters, by the names of the new one."""
        resolved = self._old.resolve(lambda name, _: parameters[name])
        places = {dotted(source): path for path, source in resolved.origins.items()}
        return {name: _at(resolved.config, places[name]) for name in self._paths if name in places}


def _at(config: Value, path: KeyPath) -> Value:
    for key in path:
        config = config[key]  # type: ignore[index]  # The path is one of this very configuration.
    return config


def _shown(domain: Domain) -> str:
    if isinstance(domain, ChoiceDomain):
        return in_words(list(domain.options))
    return in_words(plain_domain(domain))
