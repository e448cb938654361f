"""Protects the equilibrium of generator and critic: who waits for whom, and that what decides on it is up to date."""

import pytest
import torch

from models import Batch, ImageShape, Moment
from models.backbones import FullyConnected
from models.objectives import AdversarialBound, LearnedSimilarity
from models.presets import VAEGAN
from models.schedules import Equilibrium

ALL, PLAYERS = ("encoder", "generator", "critic"), {"encoder", "generator", "critic"}
WITHOUT_CRITIC, WITHOUT_GENERATOR = ("encoder", "generator"), ("encoder", "critic")
LOW, MIDDLE, HIGH = 0.32, 0.68, 1.04
"""Parts of the critic's loss below, within and above 0.68 ± 0.35."""


def moment(real: float, fake: float, step: int = 9) -> Moment:
    terms = {"critic_real_loss": torch.tensor(real), "critic_fake_loss": torch.tensor(fake), "kl": torch.tensor(9.0)}
    return Moment(step, epoch=0, players=ALL, terms=terms)


@pytest.mark.parametrize(
    ("real", "fake", "turn"),
    [
        (MIDDLE, MIDDLE, ALL),
        (LOW, MIDDLE, WITHOUT_CRITIC),
        (MIDDLE, LOW, WITHOUT_CRITIC),
        (LOW, LOW, WITHOUT_CRITIC),
        (HIGH, MIDDLE, WITHOUT_GENERATOR),
        (MIDDLE, HIGH, WITHOUT_GENERATOR),
        (HIGH, HIGH, WITHOUT_GENERATOR),
        (LOW, HIGH, ALL),  # both would wait
        (HIGH, LOW, ALL),
        (0.34, 1.02, ALL),
    ],
)
def test_who_is_ahead_waits_unless_both_would(real: float, fake: float, turn: tuple[str, ...]) -> None:
    assert Equilibrium().turn(moment(real, fake)) == turn


def test_margin_and_equilibrium_move_the_bounds() -> None:
    wide = Equilibrium(equilibrium=1.0, margin=0.9)
    assert wide.turn(moment(LOW, 1.8)) == ALL
    assert wide.turn(moment(0.05, 1.8)) == WITHOUT_CRITIC
    assert Equilibrium(equilibrium=2.0, margin=0).turn(moment(2.1, 2.1)) == WITHOUT_GENERATOR


def test_before_anything_is_known_all_step() -> None:
    assert Equilibrium().turn(Moment(0, 0, ALL)) == ALL


def test_without_the_terms_it_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="needs an objective with the terms critic_real_loss and critic_fake_loss"):
        Equilibrium().turn(Moment(1, 0, ALL, {"critic_loss": torch.tensor(1.0)}))


def test_it_is_of_three_players() -> None:
    Equilibrium().check(PLAYERS)
    for players in ({"model"}, {"critic", "generator"}, {*PLAYERS, "classifier"}):
        with pytest.raises(ValueError, match="an encoder, a generator and a critic; the players of this model are"):
            Equilibrium().check(players)


def test_the_ratio_is_of_the_critic_alone() -> None:
    assert [Equilibrium(critic_lr_ratio=0.5).rate(player) for player in ALL] == [1, 1, 0.5]


@pytest.mark.parametrize("objective", [LearnedSimilarity(), AdversarialBound()], ids=["similarity", "bound"])
@pytest.mark.parametrize("player", ["generator", "critic"])
def test_whoever_steps_leaves_the_terms_of_that_batch(objective, player: str, generator) -> None:
    small = FullyConnected(hidden=6)
    model = VAEGAN(latent_dim=2, backbone=small, critic=small).build(ImageShape(1, 4, 4), generator)
    terms = objective.losses()[player](model, Batch(torch.rand(6, 1, 4, 4, generator=generator)), generator, 0.0).terms
    for name in ("critic_real_loss", "critic_fake_loss"):  # of a critic that knows nothing yet
        assert terms[name].item() == pytest.approx(0.693, abs=0.2)
