"""Where each value was written, so that a message can say file and line, or the override that set it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sweeper.errors import UsageError
from sweeper.spec.values import KeyPath, dotted


def located(place: str, path: KeyPath, message: str) -> UsageError:
    """Return the error `place: path: message`, always one line of printable text."""
    line = ": ".join(part for part in (place, dotted(path), message) if part)
    return UsageError("".join(letter if letter.isprintable() else " " for letter in line))


@dataclass(frozen=True)
class Places:
    """The place of each value of a file, such as `sweep.yaml:7` or `--set sweep.trials=6`.

    Attributes:
        source: the file as the user named it.
        written: path to place; a path that is not in it was written where its nearest parent was.

    """

    source: str
    written: Mapping[KeyPath, str]

    def error(self, path: KeyPath, message: str) -> UsageError:
        """Return the error that says what is wrong with the value at a path, which need not exist."""
        return located(self._of(path), path, message)

    def _of(self, path: KeyPath) -> str:
        parents = (path[:length] for length in range(len(path), -1, -1))
        return next((self.written[parent] for parent in parents if parent in self.written), self.source)

    def replaced(self, path: KeyPath, by: "Places") -> "Places":
        """Return these places with those at and under `path` taken from `by`, whose top stands at `path`."""
        inside = {path + key: place for key, place in by.written.items()}
        outside = {key: place for key, place in self.written.items() if key[: len(path)] != path}
        created = {path[:length]: by.written[()] for length in range(len(path))}
        return Places(self.source, {**created, **outside, **inside})
