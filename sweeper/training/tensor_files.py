"""Tensors in a file of the format safetensors, never unpickled, with a checksum that is verified when it is read.

The checksum, "sha256" in what the file says of itself, covers names, types, shapes and bytes of all tensors, and what
else is said there. So the same content has the same checksum in any file.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from sweeper.errors import SweeperError

CHECKSUM = "sha256"
ABOUT = "sweeper"
"""The one key in the metadata of a file: safetensors would write several in another order in each process."""
_HEADER = 8
"""Bytes before the header, which say how long it is."""


@dataclass(frozen=True, eq=False)
class TensorFile:
    """What one file holds."""

    tensors: Mapping[str, Tensor]
    """On the CPU, contiguous, and each in memory of its own; see `apart`."""
    about: Mapping[str, str] = field(default_factory=dict)
    """What is said of them."""

    @cached_property
    def checksum(self) -> str:
        """The SHA-256 of all of it."""
        digest = hashlib.sha256(json.dumps(sorted(self.about.items())).encode())
        for name, tensor in sorted(self.tensors.items()):
            digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
            digest.update(tensor.flatten().view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        return save(dict(self.tensors), {ABOUT: json.dumps({**self.about, CHECKSUM: self.checksum}, sort_keys=True)})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file; raise SweeperError, one line that names it, where it is not there or not as it was written.

        The tensors are in memory of their own: a mapped file could not be removed on a network file system. Other
        errors of the disk are raised as they are.
        """
        try:
            content = path.read_bytes()
            tensors = load(content)
            about = _about(content)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise SweeperError(f"{path}: cannot be read ({error.strerror})") from error
        except (SafetensorError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise SweeperError(f"{path}: is damaged ({' '.join(str(error).split())})") from error
        stated = about.pop(CHECKSUM, None)
        if stated is None:
            raise SweeperError(f"{path}: is damaged or was not written by sweeper: it has no checksum")
        found = cls(tensors, about)
        if found.checksum != stated:
            raise SweeperError(f"{path}: is damaged: its checksum is that of other content")
        return found


def apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as the format demands them; tied weights are then stored twice."""
    found: dict[str, Tensor] = {}
    memory = set()
    for name, tensor in tensors.items():
        alone = tensor.detach().cpu().contiguous()
        address = alone.untyped_storage().data_ptr()
        found[name] = alone.clone() if address in memory else alone
        memory.add(address)
    return found


def _about(content: bytes) -> dict[str, str]:
    """Return what is said in the header of a file whose header was found to be right; nothing where it says nothing."""
    length = int.from_bytes(content[:_HEADER], "little")
    metadata = json.loads(content[_HEADER : _HEADER + length]).get("__metadata__", {})
    return dict(json.loads(metadata.get(ABOUT, "{}")))
