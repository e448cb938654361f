"""Protects amounts of bytes: what people write is what is meant, and what is shown can be written again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.spec.quantities import parse_quantity, shown_bytes


@pytest.mark.parametrize(
    ("text", "count"),
    [("0 B", 0), ("7B", 7), ("2 kB", None), ("500 MiB", 500 * 2**20), ("1.5 GiB", 3 * 2**29), ("2 TB", 2 * 10**12)],
)
def test_an_amount_is_a_number_and_a_unit(text: str, count: int | None) -> None:
    if count is None:
        with pytest.raises(ValueError, match=r"found '2 kB'; must be a number and one of B, KB, KiB"):
            parse_quantity(text)
    else:
        assert parse_quantity(text) == count


@given(st.integers(0, 2**50))
def test_what_is_shown_is_the_amount_to_four_digits(count: int) -> None:
    assert parse_quantity(shown_bytes(count)) == pytest.approx(count, rel=1e-3, abs=1)
