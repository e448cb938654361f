"""Critic and generator in turns: the schedule of adversarial models, by step or by epoch.

A *round* is so many critic steps, each on a batch of its own, and then so many steps of the generator, and of whoever
else is not the critic, on the last of these batches. A budget is thereby counted in critic steps, as in Lucic et al.
2018: whatever the schedule, an epoch shows the critic all images once. At first, and again from time to time, a round
may have many more critic steps, for a generator to learn from a critic near its optimum: 100 in place of 5, for the
first 25 steps of the generator and at every 500th, in the authors' implementation of WGAN (Arjovsky et al. 2017).

By epoch, the critic is trained for so many whole epochs, and then the generator for so many.
"""

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from models.adversarial import CRITIC
from models.registry import register
from models.schedules.base import Moment, Schedule


@register("alternating")
@dataclass(frozen=True, kw_only=True)
class Alternating(Schedule):
    """The critic, and then all others."""

    critic_steps: Annotated[int, Ge(1)] = 1
    """Steps of the critic in a round; with `alternate: epoch`, its epochs."""
    generator_steps: Annotated[int, Ge(1)] = 1
    """Steps of the generator in a round, all on one batch; with `alternate: epoch`, its epochs."""
    alternate: Literal["step", "epoch"] = "step"
    """Whether turns are counted in steps or in epochs."""
    warmup_steps: Annotated[int, Ge(1)] = 100
    """Steps of the critic in a round of the warm-up."""
    warmup_rounds: Annotated[int, Ge(0)] = 0
    """Rounds of the warm-up; with 0 there is none."""
    warmup_every: Annotated[int, Ge(0)] = 0
    """Every so many rounds there is one of the warm-up again; with 0 there is not."""
    critic_lr_ratio: Annotated[float, Gt(0)] = 1.0
    """Learning rate of the critic, by that of the optimizer."""

    def __post_init__(self) -> None:
        """Raise ValueError for a warm-up by steps where turns are counted in epochs."""
        if self.alternate == "epoch" and (self.warmup_rounds or self.warmup_every):
            raise ValueError("warmup_rounds and warmup_every must be 0 where alternate is epoch")

    def turn(self, moment: Moment, /) -> tuple[str, ...]:
        """Return who steps on a batch: a function of its number and its epoch alone."""
        others = tuple(player for player in moment.players if player != CRITIC)
        if self.alternate == "epoch":
            of_critic = moment.epoch % (self.critic_steps + self.generator_steps) < self.critic_steps
            return (CRITIC,) if of_critic else others
        return (CRITIC, *others * self.generator_steps) if self._ends_round(moment.step) else (CRITIC,)

    def check(self, players: Collection[str]) -> None:
        """Raise ValueError for a model without a critic, or with nobody else."""
        if CRITIC not in players or len(players) < 2:
            raise ValueError(
                "is alternating, of a model with a critic and those whom it judges; "
                f"the players of this one are {', '.join(sorted(players))}"
            )

    def rate(self, player: str) -> float:
        """Return the critic's ratio, and 1 for all others."""
        return self.critic_lr_ratio if player == CRITIC else 1.0

    def _ends_round(self, step: int) -> bool:
        """Say whether a batch, from 0, is the last one of a round."""
        steps = step + 1
        rounds = bisect_left(range(steps + 1), steps, key=self._critic_steps_in)
        return self._critic_steps_in(rounds) == steps

    def _critic_steps_in(self, rounds: int) -> int:
        """Return how many critic steps the first so many rounds have; no round is without one."""
        of_warmup = min(rounds, self.warmup_rounds)
        if self.warmup_every and rounds > self.warmup_rounds:
            of_warmup += _multiples(self.warmup_every, rounds) - _multiples(self.warmup_every, self.warmup_rounds)
        return rounds * self.critic_steps + of_warmup * (self.warmup_steps - self.critic_steps)


def _multiples(of: int, below: int) -> int:
    """Return how many multiples of a number there are from 0 up to, and without, another one."""
    return -(-below // of)
