"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gates by Gers et al. 2000), one step at a time.

With input i, forget f, output o and candidate g: c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').

It is a linear layer and little else, where `nn.LSTMCell` is a fused kernel that `torch.func.vmap` cannot batch.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.backbones.linear import Linear
from models.start import Start


class State(NamedTuple):
    """What a cell hands to its next step, for N sequences."""

    output: Tensor
    """h [N, size]."""
    memory: Tensor
    """c [N, size]."""


class LSTM(nn.Module):
    """A cell that starts from a learned state."""

    def __init__(self, inputs: int, size: int) -> None:
        """Take vectors of so many inputs; the state has ``size`` values, twice."""
        super().__init__()
        self.gates = Linear(inputs + size, 4 * size)
        self.output = Start(size)
        self.memory = Start(size)

    def start(self, n: int) -> State:
        """Return the state before the first step of n sequences."""
        return State(self.output(n), self.memory(n))

    def forward(self, x: Tensor, state: State) -> State:
        """Return the state after inputs x [N, inputs]."""
        gates: Tensor = self.gates(torch.cat([x, state.output], -1))
        take, keep, candidate, give = gates.chunk(4, -1)
        memory = keep.sigmoid() * state.memory + take.sigmoid() * candidate.tanh()
        return State(give.sigmoid() * memory.tanh(), memory)
