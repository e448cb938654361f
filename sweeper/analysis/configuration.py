"""The file of one concrete configuration: what `sweeper export` writes and `sweeper train` runs again."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sweeper.spec.grammar import OPTIONAL, SECTIONS, parse_section, refuse_domains
from sweeper.spec.reading import Document, read_document, read_file
from sweeper.spec.values import Value, listed, not_allowed, shown
from sweeper.spec.writing import to_yaml

_NEEDED = tuple(section for section in SECTIONS if section != OPTIONAL)
_REQUIRED = ("name", *_NEEDED)
_ALLOWED = ("name", *SECTIONS, "provenance")


def config_text(name: str, config: Mapping[str, Any], provenance: Mapping[str, Any]) -> str:
    """Return the text of a configuration file, which `read_config` reads back to equal values."""
    return to_yaml({"name": name, **config, "provenance": dict(provenance)})


def read_config(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read a configuration file: the sections data, model, objective and training, and where they come from.

    The provenance is empty for a file that has none, such as one written by hand.

    Raises UsageError, one line with file and line, for a key that is unknown or missing, for a value of the wrong
    kind, and for a domain, a `choose` or a section `sweep`, with which the file is not one configuration.
    """
    document = read_document(read_file(path), str(path))
    content = _checked(document, _REQUIRED, _ALLOWED)
    if not isinstance(content["name"], str):
        raise document.places.error(("name",), f"found {shown(content['name'])}; must be text")
    return _sections(content, document), _provenance(content, document)


def read_trial_config(path: Path) -> dict[str, Any]:
    """Read the `config.yaml` of a trial's folder: the same sections, beside the seed that it was trained with.

    Raises UsageError as `read_config` does.
    """
    document = read_document(read_file(path), str(path))
    return _sections(_checked(document, _NEEDED, (*SECTIONS, "seed")), document)


def _sections(content: Mapping[str, Value], document: Document) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for section in (section for section in SECTIONS if section in content):
        refuse_domains(content[section], (section,), document.places, "one concrete configuration")
        config[section] = parse_section(section, content[section], document.places)
    return config


def _checked(document: Document, required: Collection[str], allowed: Collection[str]) -> dict[str, Value]:
    """Return the top of the file, with all keys that it must have and no other."""
    content, error = document.value, document.places.error
    if not isinstance(content, dict):
        raise error((), f"found {shown(content)}; must be a mapping of {listed(allowed)}")
    if "sweep" in content:
        raise error(("sweep",), "found in a file that must be one configuration; sweeper run takes a sweep")
    for key in content:
        if key not in allowed:
            raise error((key,), not_allowed(key, allowed))
    for key in required:
        if key not in content:
            raise error((key,), f"is missing; a configuration must have {listed(required)}")
    return content


def _provenance(content: Mapping[str, Value], document: Document) -> dict[str, Any]:
    provenance = content.get("provenance", {})
    if not isinstance(provenance, dict):
        raise document.places.error(("provenance",), f"found {shown(provenance)}; must be a mapping")
    return provenance
