"""Protects who steps when in an adversarial game, against the algorithm of WGAN written out step by step."""

from itertools import islice, product

import pytest

from models import Moment
from models.schedules import Alternating

BOTH = ("generator", "critic")


def turns(schedule: Alternating, batches: int, players=BOTH, batches_an_epoch: int = 7) -> list[tuple[str, ...]]:
    return [schedule.turn(Moment(step, step // batches_an_epoch, players)) for step in range(batches)]


def written_out(schedule: Alternating):
    """Yield the turns as loops over generator steps make them, as in the implementation of Arjovsky et al. 2017."""
    rounds = 0
    while True:
        again = schedule.warmup_every and rounds % schedule.warmup_every == 0
        critic_steps = schedule.warmup_steps if rounds < schedule.warmup_rounds or again else schedule.critic_steps
        for step in range(critic_steps):
            last = step == critic_steps - 1
            yield ("critic",) + ("generator",) * (schedule.generator_steps if last else 0)
        rounds += 1


@pytest.mark.parametrize("warmup_rounds", [0, 1, 3, 8])
@pytest.mark.parametrize("warmup_every", [0, 1, 2, 3, 5, 16])
def test_turns_are_those_of_the_algorithm(warmup_rounds: int, warmup_every: int) -> None:
    for critic_steps, generator_steps, warmup_steps in product((1, 2, 5), (1, 3), (1, 2, 7)):
        schedule = Alternating(
            critic_steps=critic_steps,
            generator_steps=generator_steps,
            warmup_steps=warmup_steps,
            warmup_rounds=warmup_rounds,
            warmup_every=warmup_every,
        )
        assert turns(schedule, 150) == list(islice(written_out(schedule), 150)), schedule


def test_turns_are_those_of_wgan() -> None:
    schedule = Alternating(critic_steps=5, warmup_steps=100, warmup_rounds=25, warmup_every=500)
    batches = 25 * 100 + 475 * 5 + 2 * 100
    own = turns(schedule, batches)
    assert own == list(islice(written_out(schedule), batches))
    assert sum("generator" in turn for turn in own[:2500]) == 25
    assert sum("generator" in turn for turn in own) == 25 + 475 + 1 + 20


def test_a_turn_is_a_function_of_the_step_alone() -> None:
    schedule = Alternating(critic_steps=5, warmup_rounds=25, warmup_every=500)
    last = 10**9
    assert schedule.turn(Moment(last, 3, BOTH)) == schedule.turn(Moment(last, 4, BOTH))
    assert turns(schedule, 300)[123] == schedule.turn(Moment(123, 0, BOTH))


@pytest.mark.parametrize(("critic_steps", "generator_steps"), [(1, 1), (2, 1), (1, 3), (3, 2)])
def test_turns_by_epoch(critic_steps: int, generator_steps: int) -> None:
    schedule = Alternating(critic_steps=critic_steps, generator_steps=generator_steps, alternate="epoch")
    epochs = (["critic"] * critic_steps + ["generator"] * generator_steps) * 3
    assert turns(schedule, 4 * len(epochs), batches_an_epoch=4) == [(name,) for name in epochs for _ in range(4)]


def test_whoever_is_not_the_critic_steps_with_the_generator() -> None:
    players = ("encoder", "generator", "critic")
    by_step = turns(Alternating(critic_steps=2, generator_steps=2), 2, players)
    assert by_step == [("critic",), ("critic", "encoder", "generator", "encoder", "generator")]
    by_epoch = turns(Alternating(alternate="epoch"), 2, players, batches_an_epoch=1)
    assert by_epoch == [("critic",), ("encoder", "generator")]


@pytest.mark.parametrize("field", ["warmup_rounds", "warmup_every"])
def test_a_warm_up_by_steps_is_refused_where_turns_are_epochs(field: str) -> None:
    with pytest.raises(ValueError, match="must be 0 where alternate is epoch"):
        Alternating(alternate="epoch", **{field: 3})


@pytest.mark.parametrize("players", [("model",), ("critic",), ("encoder", "generator")])
def test_a_model_without_an_adversary_is_refused(players: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=f"is alternating, .* the players of this one are {', '.join(players)}"):
        Alternating().check(players)
    Alternating().check(BOTH)


def test_the_critic_has_its_own_learning_rate() -> None:
    schedule = Alternating(critic_lr_ratio=4)
    assert [schedule.rate(player) for player in ("critic", "generator", "encoder")] == [4, 1, 1]
