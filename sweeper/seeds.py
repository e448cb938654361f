"""Every random number of a sweep comes from here: a seed is a hash of what the number is for."""

import hashlib
import json


def derive_seed(*parts: int | str) -> int:
    """Return a seed in [0, 2**32) for the use that ``parts`` name, such as ``(sweep seed, "trial", 17)``.

    A hash rather than ``seed + number`` keeps neighbouring sweeps and neighbouring trials unrelated.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")
