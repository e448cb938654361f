"""Protects the four adversarial losses: their formulas, their signs, and what their gradients are known for."""

from typing import get_args

import pytest
import torch

from models.adversarial_losses import AdversarialLoss, critic_losses, generator_loss

KINDS = get_args(AdversarialLoss)
FORMULAS = {
    "minimax": (lambda s: -s.sigmoid().log(), lambda s: -(1 - s.sigmoid()).log(), lambda s: (1 - s.sigmoid()).log()),
    "non_saturating": (lambda s: -s.sigmoid().log(), lambda s: -(1 - s.sigmoid()).log(), lambda s: -s.sigmoid().log()),
    "least_squares": (lambda s: (s - 1) ** 2 / 2, lambda s: s**2 / 2, lambda s: (s - 1) ** 2 / 2),
    "wasserstein": (lambda s: -s, lambda s: s, lambda s: -s),
}


@pytest.fixture
def scores(generator):
    return torch.randn(2, 50, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_those_of_the_papers(kind: AdversarialLoss, scores) -> None:
    real, fake = scores
    of_real, of_fake, of_generator = FORMULAS[kind]
    expected = (of_real(real).mean(), of_fake(fake).mean())
    torch.testing.assert_close(critic_losses(kind, real, fake), expected)
    torch.testing.assert_close(generator_loss(kind, fake), of_generator(fake).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_the_players_want_opposite_scores_of_drawn_images(kind: AdversarialLoss) -> None:
    between = torch.full((3,), 0.5, requires_grad=True)
    (real, fake), wanted = critic_losses(kind, between, between), generator_loss(kind, between)
    slopes = [torch.autograd.grad(loss, between)[0] for loss in (real, fake, wanted)]
    assert [bool((slope > 0).all()) for slope in slopes] == [False, True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_losses_are_finite_for_a_critic_that_is_sure(kind: AdversarialLoss) -> None:
    sure = torch.tensor([1000.0, -1000.0])
    assert torch.stack([*critic_losses(kind, sure, sure), generator_loss(kind, sure)]).isfinite().all()


@pytest.mark.parametrize(("kind", "slope"), [("minimax", 0.0), ("non_saturating", -1.0), ("wasserstein", -1.0)])
def test_the_generator_of_a_sure_critic_learns_unless_its_loss_saturates(kind: AdversarialLoss, slope: float) -> None:
    rejected = torch.tensor([-30.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(generator_loss(kind, rejected), rejected)
    torch.testing.assert_close(gradient, torch.tensor([slope]), atol=1e-12, rtol=0)


def test_a_critic_that_cannot_tell_has_the_loss_log_four() -> None:
    undecided = torch.zeros(5)
    torch.testing.assert_close(sum(critic_losses("minimax", undecided, undecided)), torch.tensor(4.0).log())
