"""The learned value that a recurrent network starts from, 0 before training."""

import torch
from torch import Tensor, nn


class Start(nn.Module):
    """One tensor of any shape, the same for every image."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(shape))

    def reset_parameters(self) -> None:
        """Set the value to 0."""
        nn.init.zeros_(self.value)

    def forward(self, n: int) -> Tensor:
        """Return the value n times, [n, *shape]."""
        return self.value.expand(n, *self.value.shape)
