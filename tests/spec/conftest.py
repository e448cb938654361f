"""What the tests of the specification share: a small valid file, and ways to break it."""

from collections.abc import Callable

import pytest

from sweeper.errors import UsageError
from sweeper.spec import Spec, parse_spec

GOOD = """\
name: test
data: digits
model:
  latent_dim: 8
  backbone:
    choose:
      fc: {hidden: 64}
      conv:
objective: elbo
training: {epochs: 3}
sweep: {trials: 4}
"""


@pytest.fixture
def good() -> str:
    """A small valid sweep file."""
    return GOOD


@pytest.fixture
def make_spec() -> Callable[..., Spec]:
    """Return a function that makes a specification from sections, each of them YAML on one line."""

    def make(*overrides: str, **sections: str) -> Spec:
        given = {"data": "digits", "model": "vae", "objective": "elbo", "training": "{}", "sweep": "{trials: 4}"}
        lines = [f"{section}: {text}" for section, text in {"name": "test", **given, **sections}.items()]
        return parse_spec("\n".join(lines), overrides=overrides)

    return make


@pytest.fixture
def complaint() -> Callable[..., str]:
    """Return a function that parses text and returns the error, which must be one line."""

    def parse(text: str, *overrides: str) -> str:
        with pytest.raises(UsageError) as caught:
            parse_spec(text, "s.yaml", overrides)
        message = str(caught.value)
        assert len(message.splitlines()) == 1, "an error must be one line"
        return message

    return parse
