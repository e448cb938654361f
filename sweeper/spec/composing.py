"""YAML text to a tree of nodes, with every complaint of the parser as one line."""

from collections.abc import Callable

import yaml

from sweeper.errors import UsageError
from sweeper.spec.places import located
from sweeper.spec.scalars import NUMBER_WITH_EXPONENT

DEEPEST = 40
"""Levels that a file may nest; deeper nesting is an accident or an attack on the parser's stack."""

_PLAIN_WORDS = {
    "but found another document": "found a second document; a file holds one",
    "found undefined alias": "found an alias without its anchor",
}


class _Loader(yaml.SafeLoader):
    """Composes nodes to a limited depth; values are built from them by `sweeper.spec.building`."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > DEEPEST:
            problem = f"found more than {DEEPEST} levels of nesting"
            raise yaml.composer.ComposerError(None, None, problem, self.get_mark())
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER_WITH_EXPONENT, list("-+.0123456789"))


def compose(text: str, place: Callable[[int], str]) -> yaml.Node | None:
    """Return the root of the only document in a text, None if the text is empty; `place` names a line from 1 on.

    Raises:
        UsageError: the text is not YAML, or more than one document.

    """
    try:
        return _composed(text)
    except yaml.MarkedYAMLError as error:
        raise _complaint(error, text, place) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise located(place(line), (), f"found the control character U+{ord(text[error.position]):04X}") from None


def _composed(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError):  # PyYAML scans escapes such as "\UFFFFFFFF", and fails to make a letter of them
        raise yaml.scanner.ScannerError(None, None, "found an escape for no letter", loader.get_mark()) from None
    finally:
        loader.dispose()


def _complaint(error: yaml.MarkedYAMLError, text: str, place: Callable[[int], str]) -> UsageError:
    line = error.problem_mark.line if error.problem_mark else 0
    return located(place(line + 1), (), _reason(error, text.split("\n")[line:][:1]))


def _reason(error: yaml.MarkedYAMLError, lines: list[str]) -> str:
    indentation = "".join(line[: len(line) - len(line.lstrip())] for line in lines)
    problem = error.problem or "unknown problem"
    if "\t" in indentation or "'\\t'" in problem:
        return "found a tab; indent with spaces"
    for words, plain in _PLAIN_WORDS.items():
        if problem.startswith(words):
            return plain
    return "not readable as YAML: " + ", ".join(part for part in (error.context, problem) if part)
