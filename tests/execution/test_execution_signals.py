"""Protects that a request to end, from a service manager or a terminal that closes, is answered as Ctrl-C is."""

import os
import signal
from collections.abc import Iterator

import pytest

from sweeper.execution.signals import REQUESTS, taken_for_ctrl_c


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put back what a test changes. Before it signals mean what they do in a new process, even where nohup began it."""
    before = {number: signal.getsignal(number) for number in (*REQUESTS, signal.SIGINT)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in REQUESTS:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("request_to_end", REQUESTS)
def test_it_interrupts(request_to_end: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), taken_for_ctrl_c():
        os.kill(os.getpid(), request_to_end)


def test_it_is_answered_by_whoever_answers_ctrl_c_at_that_moment() -> None:
    answered = []
    with taken_for_ctrl_c():
        signal.signal(signal.SIGINT, lambda number, _: answered.append(number))
        os.kill(os.getpid(), signal.SIGTERM)
    assert answered == [signal.SIGINT]


def test_it_interrupts_where_ctrl_c_is_ignored_as_in_the_background_of_a_script() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with pytest.raises(KeyboardInterrupt), taken_for_ctrl_c():
        os.kill(os.getpid(), signal.SIGTERM)


def test_what_is_ignored_stays_so_as_nohup_wants_it() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with taken_for_ctrl_c():
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_afterwards_signals_mean_what_they_meant() -> None:
    before = [signal.getsignal(number) for number in REQUESTS]
    with taken_for_ctrl_c():
        assert [signal.getsignal(number) for number in REQUESTS] != before
    assert [signal.getsignal(number) for number in REQUESTS] == before
