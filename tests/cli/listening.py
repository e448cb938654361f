"""What a process and those that it has started listen on, as Linux tells it."""

import sys
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

LISTENING = "0A"
PROC = Path("/proc")


def family_of(pid: int) -> set[int]:
    """Return a process and all that descend from it."""
    parents = {int(status.parent.name): parent for status in PROC.glob("[0-9]*/stat") if (parent := _parent(status))}
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def listening(pids: set[int]) -> set[IPv4Address | IPv6Address]:
    """Return the addresses at which processes wait for TCP connections."""
    sockets = {number for pid in pids for number in _sockets(pid)}
    lines = [line.split() for name in ("tcp", "tcp6") for line in (PROC / "net" / name).read_text().splitlines()[1:]]
    return {_address(words[1]) for words in lines if words[3] == LISTENING and words[9] in sockets}


def command_lines(pids: set[int]) -> list[str]:
    """Return what everybody on the machine may read of how processes were called."""
    return [found for pid in pids if (found := _read(PROC / str(pid) / "cmdline").replace("\0", " "))]


def _parent(status: Path) -> int:
    fields = _read(status).rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # It has ended.
        return ""


def _sockets(pid: int) -> set[str]:
    found = set()
    try:
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            target = str(descriptor.readlink())
            if target.startswith("socket:["):
                found.add(target[len("socket:[") : -1])
    except OSError:
        pass
    return found


def _address(text: str) -> IPv4Address | IPv6Address:
    """Read an address as the kernel prints it: words of four bytes in the machine's order."""
    digits = text.partition(":")[0]
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    found = ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words))
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
