"""The specification of a sweep: a file, read, overridden, parsed and checked once."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sweeper.errors import UsageError
from sweeper.spec.arms import arms_of
from sweeper.spec.grammar import OPTIONAL, SECTIONS, parse_section, refuse_domains
from sweeper.spec.identity import digest, plain_settings, plain_tree
from sweeper.spec.nodes import Fixed, Group
from sweeper.spec.overrides import override
from sweeper.spec.places import Places
from sweeper.spec.reading import Document, read_document, read_file
from sweeper.spec.space import Space
from sweeper.spec.values import KeyPath, Value, listed, not_allowed, shown
from sweeper.spec.writing import to_yaml

if TYPE_CHECKING:
    from sweeper.spec.settings import SweepSettings

_REQUIRED = ("name", *(section for section in SECTIONS if section != OPTIONAL), "sweep")
_ALLOWED = ("name", "question", *SECTIONS, "sweep")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Spec:
    """A valid sweep. Two are equal if their content is, wherever it was written.

    Attributes:
        name: name of the sweep, fit for a folder's name.
        question: what the sweep is to answer, None if the file does not say.
        tree: the sections data, model, objective and training, with their domains and choices.
        settings: the section `sweep`.
        places: where each value was written.
        fixed: what each arm fixes, by its label.

    """

    name: str
    question: str | None
    tree: Group
    settings: "SweepSettings"
    places: Places = field(compare=False, repr=False)
    fixed: Mapping[str, Fixed] = field(compare=False, repr=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal: the same on another machine and with another question."""
        return digest(self.name, self.tree, self.settings)

    @property
    def arms(self) -> tuple[str, ...]:
        """The labels of the arms in the order of the file; only `all` for a sweep without arms."""
        return tuple(self.fixed)

    def space(self, arm: str) -> Space:
        """Return the search space of an arm.

        Raises:
            UsageError: there is no such arm.

        """
        if arm not in self.fixed:
            raise self.error(("sweep", "arms"), not_allowed(arm, self.fixed))
        return Space(self.tree, self.fixed[arm], self.places)

    def error(self, path: KeyPath, message: str) -> UsageError:
        """Return the error `file:line: path: message` for a path in the file, as `Resolved.origins` gives it."""
        return self.places.error(path, message)

    def plain(self) -> dict[str, Value]:
        """Return the file as resolved, as plain values: overrides applied, defaults written out."""
        question: dict[str, Value] = {} if self.question is None else {"question": self.question}
        return {"name": self.name, **question, **plain_tree(self.tree), "sweep": plain_settings(self.settings)}

    def to_yaml(self) -> str:
        """Return the file as resolved; it reads back to an equal `Spec`."""
        return to_yaml(self.plain())


def read_spec(path: Path | str, overrides: Iterable[str] = ()) -> Spec:
    """Read the specification of a sweep from a file, with overrides such as `sweep.trials=6`.

    Raises:
        UsageError: one line with file, line, path, what was found and what is allowed.

    """
    return parse_spec(read_file(Path(path)), str(path), overrides)


def parse_spec(text: str, source: str = "<text>", overrides: Iterable[str] = ()) -> Spec:
    """Parse the specification of a sweep from the text of a file; `source` is what messages call it.

    Raises:
        UsageError: one line with file, line, path, what was found and what is allowed.

    """
    from sweeper.spec.settings_grammar import parse_settings  # brings pydantic, which `sweeper --help` can do without

    document = read_document(text, source)
    _mapping(document)
    document = override(document, overrides)
    sections, places = _mapping(document), document.places
    _check_keys(sections, places)
    name, question = _name(sections["name"], places), _question(sections.get("question"), places)
    tree = {section: parse_section(section, sections[section], places) for section in SECTIONS if section in sections}
    settings = parse_settings(sections["sweep"], places)
    fixed = arms_of(tree, settings.arms, places)
    _check_arms(settings, fixed, places)
    return Spec(name, question, tree, settings, places, fixed)


def _mapping(document: Document) -> dict[str, Value]:
    if not isinstance(document.value, dict):
        raise document.places.error((), f"found {shown(document.value)}; must be a mapping of {listed(_ALLOWED)}")
    return document.value


def _check_keys(sections: Mapping[str, Value], places: Places) -> None:
    for key in sections:
        if key not in _ALLOWED:
            raise places.error((key,), not_allowed(key, _ALLOWED))
    for key in _REQUIRED:
        if key not in sections:
            raise places.error((key,), f"is missing; a sweep must have {listed(_REQUIRED)}")


def _check_arms(settings: "SweepSettings", arms: Iterable[str], places: Places) -> None:
    for arm in settings.resources.arms:
        if arm not in arms:
            raise places.error(("sweep", "resources", "arms", arm), not_allowed(arm, arms))


def _name(value: Value, places: Places) -> str:
    refuse_domains(value, ("name",), places, "name")
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        rule = "1 to 64 letters, digits, dots, _ or -, the first a letter or a digit"
        raise places.error(("name",), f"found {shown(value)}; must be {rule}")
    return value


def _question(value: Value, places: Places) -> str | None:
    refuse_domains(value, ("question",), places, "question")
    if value is not None and not isinstance(value, str):
        raise places.error(("question",), f"found {shown(value)}; must be text")
    return value
