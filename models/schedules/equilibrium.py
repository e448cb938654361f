"""The equilibrium of generator and critic: who is ahead of the other waits.

It is the rule of the public implementation of Larsen et al. 2016 (VAE/GAN, github.com/andersbll). The critic's loss has
two parts, r of real and f of drawn images: its mean cross-entropies, each ln 2 = 0.69 nats if it cannot tell one from
the other. With equilibrium e and margin m,

- the critic waits if r or f is below e - m: it is too strong;
- the generator waits if r or f is above e + m: the critic is too weak to learn from;
- where both would wait, neither does.

There r and f are those of the batch itself; here they are the last that were measured, on the batch before. With losses
other than cross-entropies, the numbers mean something else, and e and m must be chosen anew.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from models.adversarial import CRITIC
from models.latent import ENCODER, GENERATOR
from models.registry import register
from models.schedules.base import Moment, Schedule

REAL, FAKE = "critic_real_loss", "critic_fake_loss"
"""The terms r and f: both generator and critic log them, so that they are up to date whoever steps."""


@register("equilibrium")
@dataclass(frozen=True, kw_only=True)
class Equilibrium(Schedule):
    """Encoder, generator and critic step on every batch, unless generator or critic waits for the other."""

    equilibrium: Annotated[float, Gt(0)] = 0.68
    """The part of the critic's loss around which both learn, in nats."""
    margin: Annotated[float, Ge(0)] = 0.35
    """How far from it a part may be before somebody waits."""
    critic_lr_ratio: Annotated[float, Gt(0)] = 1.0
    """The critic's learning rate, as a multiple of the optimizer's."""

    def turn(self, moment: Moment, /) -> tuple[str, ...]:
        """Return who steps; all do where the terms are not known yet.

        Raises ValueError for an objective without these terms.
        """
        if moment.step == 0:
            return ENCODER, GENERATOR, CRITIC
        if not {REAL, FAKE} <= moment.terms.keys():
            raise ValueError(f"the schedule equilibrium needs an objective with the terms {REAL} and {FAKE}")
        parts = moment.terms[REAL].item(), moment.terms[FAKE].item()
        strong = min(parts) < self.equilibrium - self.margin
        weak = max(parts) > self.equilibrium + self.margin
        if strong == weak:
            return ENCODER, GENERATOR, CRITIC
        return (ENCODER, GENERATOR) if strong else (ENCODER, CRITIC)

    def check(self, players: Collection[str]) -> None:
        """Raise ValueError for a model without these three players."""
        if set(players) != {ENCODER, GENERATOR, CRITIC}:
            raise ValueError(
                f"is equilibrium, of an encoder, a generator and a critic; "
                f"the players of this model are {', '.join(sorted(players))}"
            )

    def rate(self, player: str) -> float:
        """Return the ratio for the critic, 1 for the others."""
        return self.critic_lr_ratio if player == CRITIC else 1.0
