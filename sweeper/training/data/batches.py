"""The order in which training sees its images: shuffled epochs, cut in whole batches."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from sweeper.errors import UsageError


class Batches:
    """An endless row of permutations of N images, cut in batches of exactly B that run on across the permutations.

    No image is left out and every gradient averages over the same number of images, whatever B is. Epoch e ends with
    the batch that completes the e-th permutation, after ceil(e·N/B) steps in all; by then every image was seen e times,
    and fewer than B of them once more.

    Args:
        size: N, the number of images.
        batch_size: B, from 1 to N.
        generator: draws the permutations, and belongs to this object alone; indices are made on its device, which
            should be that of the images.

    Raises:
        UsageError: B is not from 1 to N.

    """

    def __init__(self, size: int, batch_size: int, generator: torch.Generator) -> None:
        if not 1 <= batch_size <= size:
            raise UsageError(f"a batch of {batch_size} cannot be drawn from {size} images: 1 to {size} are possible")
        self._size = size
        self._batch_size = batch_size
        self._generator = generator
        self._ahead = torch.empty(0, dtype=torch.int64, device=generator.device)  # drawn, but not yet in a batch
        self._steps = 0

    @property
    def steps(self) -> int:
        """The number of batches yielded so far, in all epochs."""
        return self._steps

    def steps_after(self, epochs: int) -> int:
        """Return the number of batches in so many epochs: ceil(epochs·N/B)."""
        return -(-epochs * self._size // self._batch_size)

    def epoch(self) -> Iterator[Tensor]:
        """Yield the batches up to the end of the current epoch, each the indices of B images, int64, [B].

        The state moves on with every batch: when the loop is left early, the next call yields the rest of that epoch.
        """
        complete = self._steps * self._batch_size // self._size
        end = self.steps_after(complete + 1)
        while self._steps < end:
            yield self.next()

    def next(self) -> Tensor:
        """Return the next batch, whatever epoch it belongs to."""
        if len(self._ahead) < self._batch_size:
            drawn = torch.randperm(self._size, generator=self._generator, device=self._generator.device)
            self._ahead = torch.cat([self._ahead, drawn])
        batch, self._ahead = self._ahead[: self._batch_size], self._ahead[self._batch_size :]
        self._steps += 1
        return batch

    def state(self) -> dict[str, Tensor]:
        """Return all that the coming batches depend on, as tensors on the CPU that can be saved beside a checkpoint."""
        return {
            "generator": self._generator.get_state(),
            "ahead": self._ahead.cpu().clone(),
            "steps": torch.tensor(self._steps),
            "sizes": torch.tensor([self._batch_size, self._size]),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on exactly where `state` was taken, with the batches that would have come next.

        Args:
            state: of batches with the same N, B and kind of device.

        Raises:
            UsageError: the state belongs to another N or B.

        """
        batch_size, size = state["sizes"].tolist()
        if (batch_size, size) != (self._batch_size, self._size):
            raise UsageError(
                f"the saved order of images is for batches of {batch_size} from {size} images, "
                f"not for batches of {self._batch_size} from {self._size}"
            )
        self._generator.set_state(state["generator"])
        self._ahead = state["ahead"].to(self._generator.device, copy=True)
        self._steps = int(state["steps"])
