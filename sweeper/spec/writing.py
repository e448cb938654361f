"""Plain values to YAML that reads back to equal values, here and by any other reader of YAML 1.1."""

import yaml

from sweeper.spec.scalars import NUMBER_WITH_EXPONENT
from sweeper.spec.values import Value


class _Dumper(yaml.SafeDumper):
    """Writes every mapping and list in full, and text that `sweeper.spec.reading` would take for a number in quotes."""

    def ignore_aliases(self, _: object) -> bool:
        return True


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER_WITH_EXPONENT, list("-+.0123456789"))


def to_yaml(value: Value) -> str:
    """Return a value as YAML in the order of its keys; the innermost lists and mappings stand on one line."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=120)
