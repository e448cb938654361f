"""A cluster's file to a checked description of it, before anything starts."""

from collections.abc import Callable, Mapping, Sequence
from getpass import getuser
from pathlib import Path
from typing import Any, cast, get_args

from sweeper.cluster.description import HOME, Cluster, Kind
from sweeper.cluster.rendering import render
from sweeper.spec.overrides import override
from sweeper.spec.places import Places
from sweeper.spec.reading import Document, read_document, read_file
from sweeper.spec.values import Value, listed, shown

_KEY = "[ -~]{1,200}"
"""What a key may be: paths are among them."""
_TEMPLATES = ("environment", "launcher")
"""Sections in which the values stand as `${name}`."""


def read_cluster(file: Path, overrides: Sequence[str] = ()) -> Cluster:
    """Return the cluster that a file describes, with ``path=value`` from the command line put in; ask nobody.

    Raises:
        UsageError: the file cannot be read, a value in it is not allowed, or Ray's or AWS's schema refuses what follows
            from it.

    """
    document = override(read_document(read_file(file), str(file), _KEY), overrides)
    kind, values = _values(document)
    rendered = {section: _rendered(document, section, values) for section in _TEMPLATES}
    _check_environment(rendered["environment"], document.places)
    cluster = Cluster(values["name"], kind, values, **rendered)
    _checks(kind)(cluster, document.places)
    return cluster


def _values(document: Document) -> tuple[Kind, dict[str, Any]]:
    fields, places = document.value, document.places
    if not isinstance(fields, dict):
        raise places.error((), f"found {shown(fields)}; must be a mapping")
    kind = fields.get("kind")
    if kind not in get_args(Kind):
        raise places.error(("kind",), f"found {shown(kind)}; must be one of {listed(get_args(Kind))}")
    own = {key: value for key, value in fields.items() if key not in ("kind", *_TEMPLATES)}
    return cast("Kind", kind), _read(cast("Kind", kind), own, places)


def _read(kind: Kind, own: Mapping[str, Value], places: Places) -> dict[str, Any]:
    """Return the values of a kind of cluster; pydantic takes longer to import than all else here."""
    from sweeper.cluster.validation import validated

    if kind == "aws":
        from sweeper.cluster.aws.values import AwsValues

        values = validated(AwsValues, own, places).model_dump(by_alias=True)
        return {**values, "owner": values["owner"] or getuser()}
    if kind == "machines":
        from sweeper.cluster.machines.values import MachinesValues

        return validated(MachinesValues, own, places).model_dump()
    from sweeper.cluster.kuberay.values import KubeRayValues

    return validated(KubeRayValues, own, places).model_dump()


def _rendered(document: Document, section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    template = cast("Mapping[str, Value]", document.value).get(section)
    if not isinstance(template, dict):
        raise document.places.error((section,), f"found {shown(template)}; must be a mapping")
    return cast("dict[str, Any]", render(template, values, document.places.error, (section,)))


def _check_environment(environment: Mapping[str, Any], places: Places) -> None:
    for name, value in environment.items():
        if not isinstance(value, str):
            raise places.error(("environment", name), f"found {shown(value)}; must be text")
    if HOME not in environment:
        raise places.error(("environment", HOME), "is missing; must be where sweeps are, such as s3://BUCKET/FOLDER")


def _checks(kind: Kind) -> Callable[[Cluster, Places], None]:
    """Return what refuses a cluster that its launcher or its provider would refuse."""
    if kind == "aws":
        from sweeper.cluster.aws.schema import check_aws

        return check_aws
    if kind == "machines":
        from sweeper.cluster.machines.schema import check_machines

        return check_machines
    from sweeper.cluster.kuberay.schema import check_kuberay

    return check_kuberay
