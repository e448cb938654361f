"""How long a computation takes, by what it consists of and not by the clock: the same number wherever it is asked for.

A plan for all trials of a sweep must not depend on how busy the machine was that made it. So the operators, their
floating-point operations and the memory they touch are counted, and weighed by what each costs on one core. The sum is
right within a factor of about two; of the ratio of two computations that is enough to plan by. Other versions of
PyTorch may compute by other operators.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

CACHED = 2**20
"""Bytes of a tensor up to which it is read from a cache and written into memory that is there already."""

SECONDS_AN_OPERATOR = 8e-6
SECONDS_A_FLOP = 1 / 120e9
SECONDS_A_CACHED_BYTE = 1 / 20e9
SECONDS_A_DISTANT_BYTE = 1 / 6e9
"""What each takes one core of an AMD EPYC with float32, fitted to training steps and measurements of digits."""


@dataclass(frozen=True)
class Cost:
    """What a computation consists of."""

    operators: int = 0
    flops: int = 0
    cached: int = 0
    """Bytes of small tensors that operators read and write."""
    distant: int = 0
    """Bytes of large ones."""

    @property
    def seconds(self) -> float:
        """The nominal seconds."""
        memory = self.cached * SECONDS_A_CACHED_BYTE + self.distant * SECONDS_A_DISTANT_BYTE
        return self.operators * SECONDS_AN_OPERATOR + self.flops * SECONDS_A_FLOP + memory

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both, one after the other."""
        return Cost(
            self.operators + other.operators,
            self.flops + other.flops,
            self.cached + other.cached,
            self.distant + other.distant,
        )


def cost_of(work: Callable[[], object]) -> Cost:
    """Return what ``work`` costs. It is done once, whatever it returns or changes."""
    counter = _Counter()
    with counter:
        work()
    return counter.cost


def touching(operators: int, tensors: Iterable[Tensor]) -> Cost:
    """Return the cost of so many operators on each of some tensors, which read them and write as much."""
    return sum((_of_one(operators, 2 * operators * [tensor]) for tensor in tensors), Cost())


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch has not typed it
    """Adds up what the operators cost that PyTorch runs under it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has not typed it
        self.cost = Cost()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Say that no compiler has to be kept out, which importing one would take seconds for: nothing is compiled."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func._overloadpacket not in flop_registry:
            with self:  # Without gradients, operators made of others arrive here whole.
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        out = func(*args, **kwargs)
        if not func.is_view:
            tensors = [leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, Tensor)]
            self.cost += _of_one(1, tensors, _flops(func, args, kwargs, out))
        return out


def _of_one(operators: int, tensors: list[Tensor], flops: int = 0) -> Cost:
    sizes = [tensor.numel() * tensor.element_size() for tensor in tensors]
    cached = sum(size for size in sizes if size <= CACHED)
    return Cost(operators, flops, cached, sum(sizes) - cached)


def _flops(func: Any, args: Any, kwargs: Any, out: Any) -> int:
    count = flop_registry.get(func._overloadpacket)
    return 0 if count is None else int(count(*args, **kwargs, out_val=out))
