"""Amounts of bytes as people write them: a number and a unit, decimal (MB) or binary (MiB)."""

import re

UNITS: dict[str, int] = {"B": 1} | {
    f"{prefix}{kind}": base**power
    for power, prefix in enumerate("KMGT", start=1)
    for kind, base in (("B", 1000), ("iB", 1024))
}
QUANTITY = re.compile(rf"^(\d+(?:\.\d+)?) ?({'|'.join(UNITS)})$")


def parse_quantity(text: str) -> int:
    """Return the bytes that a text such as "500 MiB" says; raise ValueError where it is no quantity."""
    found = QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"found {text!r}; must be a number and one of {', '.join(UNITS)}")
    number, unit = found.groups()
    return int(float(number) * UNITS[str(unit)])


def shown_bytes(count: float) -> str:
    """Return an amount of bytes in the largest binary unit of which there is at least one."""
    unit = next((unit for unit in ("TiB", "GiB", "MiB", "KiB") if count >= UNITS[unit]), "B")
    return f"{count / UNITS[unit]:.4g} {unit}"
