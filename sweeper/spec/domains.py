"""What a parameter may be: a range of real numbers, a range of integers, or one of several options.

The words are Optuna's (Akiba et al. 2019), and so are the rules, with one more: a range with a step ends on a step.
"""

from abc import abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeAlias, TypeVar

from sweeper.spec.values import Scalar, Value, is_integer, is_number, shown

Number = TypeVar("Number", bound=float)


@dataclass(frozen=True)
class _Range(Generic[Number]):
    """Numbers from low to high, both included.

    Attributes:
        low: the smallest value.
        high: the largest value.
        log: whether the logarithm is searched evenly.
        step: the distance of neighbouring values; None if every value between the ends is allowed.

    Raises:
        ValueError: a rule of the domain is broken; the message names the rule and the value.

    """

    low: Number
    high: Number
    log: bool = False
    step: Number | None = None

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"found low {self.low} above high {self.high}; must be low <= high")
        if self.log and self.low <= 0:
            raise ValueError(f"found low {self.low} with log: true; must be > 0")
        if self.log and self.step != type(self).step:
            raise ValueError(f"found step {self.step} with log: true; must be one of the two")
        if self.step is not None:
            self._check_step(self.step)

    def _check_step(self, step: Number) -> None:
        if step <= 0:
            raise ValueError(f"found step {step}; must be > 0")
        last = self.at(int(self._steps(step)))
        if last != self.high:
            raise ValueError(f"found high {self.high} between steps of {step}; must be on a step, such as {last}")

    def _steps(self, step: Number) -> Fraction:
        return (_exact(self.high) - _exact(self.low)) / _exact(step)

    @property
    def size(self) -> int | None:
        """The number of values, None if there are infinitely many."""
        if self.low == self.high:
            return 1
        return None if self.step is None else int(self._steps(self.step)) + 1

    @property
    def extremes(self) -> tuple[Number, ...]:
        """The values at the ends, the smallest first."""
        return (self.low,) if self.low == self.high else (self.low, self.high)

    def at(self, index: int) -> Number:
        """Return a value by its rank, 0 for the smallest; without a step there is only that one."""
        return self._number(_exact(self.low) + index * _exact(self.step or 0))

    @staticmethod
    @abstractmethod
    def _number(exact: Fraction) -> Number:
        """Return an exact value as a number of the domain's kind."""


@dataclass(frozen=True)
class FloatDomain(_Range[float]):
    """Real numbers from low to high, every one of them or those on a step."""

    def contains(self, value: Value) -> bool:
        """Whether a value lies between the ends; steps are not checked, since samplers round them."""
        return is_number(value) and self.low <= value <= self.high

    @staticmethod
    def _number(exact: Fraction) -> float:
        return float(exact)


@dataclass(frozen=True)
class IntDomain(_Range[int]):
    """Integers from low to high, every one of them or those on a step."""

    step: int = 1

    def contains(self, value: Value) -> bool:
        """Whether a value is an integer between the ends, on a step."""
        return is_integer(value) and self.low <= value <= self.high and (value - self.low) % self.step == 0

    @staticmethod
    def _number(exact: Fraction) -> int:
        return int(exact)


@dataclass(frozen=True)
class ChoiceDomain:
    """Options without an order between them.

    Raises:
        ValueError: there is no option, or one of them twice (1, 1.0 and true are the same).

    """

    options: tuple[Scalar, ...]

    def __post_init__(self) -> None:
        if not self.options:
            raise ValueError("found no options; must have at least one")
        for position, option in enumerate(self.options):
            twin = self.options.index(option)
            if twin < position:
                raise ValueError(f"found {shown(option)} beside {shown(self.options[twin])}, which is the same option")

    @property
    def size(self) -> int:
        """The number of options."""
        return len(self.options)

    @property
    def extremes(self) -> tuple[Scalar, ...]:
        """Every option: without an order each is at an end."""
        return self.options

    def at(self, index: int) -> Scalar:
        """Return an option by its position."""
        return self.options[index]

    def contains(self, value: Value) -> bool:
        """Whether a value is one of the options."""
        return value in self.options


Domain: TypeAlias = FloatDomain | IntDomain | ChoiceDomain


def _exact(number: float) -> Fraction:
    """Return the decimal number that was written, so that 0.1 + 2 * 0.1 is 0.3."""
    return Fraction(repr(number))
