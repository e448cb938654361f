"""Which images each step trains on: shuffled epochs of all, with labelled ones added where labels are rare."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from models import UNKNOWN
from sweeper.training.data import Batches, Split


class TrainingOrder:
    """Batches of B images, and of L more whose label is known where that of others is not.

    With a hundred labels among fifty thousand images, hardly a batch would else have one to learn from.
    """

    def __init__(self, images: Split, batch_size: int, labelled: int, generator: torch.Generator) -> None:
        """Draw from ``images`` by ``generator``, which belongs to this object alone.

        ``labelled`` is L; it has no effect where all labels are known, or none is.
        """
        self._size, self._batch_size = len(images), batch_size
        self._all = Batches(len(images), batch_size, generator)
        self._known = _known(images) if labelled else None
        self._labelled = (
            None
            if self._known is None
            else Batches(len(self._known), min(labelled, len(self._known)), _second(generator))
        )

    @property
    def steps(self) -> int:
        """The number of batches yielded so far, in all epochs."""
        return self._all.steps

    @property
    def epochs(self) -> int:
        """The number of whole epochs so far."""
        return self.steps * self._batch_size // self._size

    def time(self, step: int) -> float:
        """Return the time of a step in epochs since training began."""
        return step * self._batch_size / self._size

    def epoch(self) -> Iterator[Tensor]:
        """Yield the batches up to the end of the current epoch, each the indices of its images, int64, [B + L]."""
        for index in self._all.epoch():
            if self._labelled is None or self._known is None:
                yield index
            else:
                yield torch.cat([index, self._known[self._labelled.next()]])

    def state(self) -> dict[str, Tensor]:
        """Return all that the coming batches depend on."""
        labelled = self._labelled.state() if self._labelled else {}
        return self._all.state() | {f"labelled.{name}": value for name, value in labelled.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on exactly where `state` was taken; raise UsageError where it is that of other batches."""
        self._all.restore(state)
        if self._labelled:
            start = "labelled."
            own = {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
            self._labelled.restore(own)


def _known(images: Split) -> Tensor | None:
    """Return the indices of the images with a label, where there are some of both kinds."""
    if images.labels is None:
        return None
    known = (images.labels != UNKNOWN).nonzero().squeeze(-1)
    return known if 0 < len(known) < len(images) else None


def _second(generator: torch.Generator) -> torch.Generator:
    """Return a generator of the same device, seeded by the first."""
    seed = torch.randint(2**62, (), generator=generator, device=generator.device).item()
    return torch.Generator(generator.device).manual_seed(int(seed))
