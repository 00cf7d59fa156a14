"""How amounts of money are read."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.amounts import dollars, is_money, rounded


@pytest.mark.parametrize(
    ("reported", "read"),
    [
        ("32.379999999999995", "32.38"),
        ("0.950000000000005", "0.95"),
        ("0.0000000000000002", "0"),
        ("-0.0000000000000002", "0"),
        ("12.50", "12.50"),
        ("0.000001", "0.000001"),
        ("99.9999999", "100"),
        ("1e30", "1E+30"),
    ],
)
def test_an_amount_is_read_to_a_millionth(reported: str, read: str) -> None:
    assert str(rounded(Decimal(reported))) == read


@pytest.mark.parametrize("amount", ["0", "-0.95", "1e-23", "999999999999999.999999"])
def test_an_amount_whose_sums_are_exact_is_money(amount: str) -> None:
    assert is_money(Decimal(amount))
    million = rounded(Decimal(amount)) * 10**6
    assert million + Decimal("0.000001") - million == Decimal("0.000001")


@pytest.mark.parametrize("amount", ["1e15", "-1e15", "1e21", "1e23", "1e-24", "NaN", "Infinity"])
def test_what_is_too_large_or_too_small_is_not_money(amount: str) -> None:
    assert not is_money(Decimal(amount))


@given(st.integers(0, 10**6), st.lists(st.sampled_from([0.95, 0.1, 0.3, 1.2, 0.002]), max_size=40))
def test_a_balance_that_is_kept_as_a_float_is_read_as_it_was_meant(
    cents: int, charges: list[float]
) -> None:
    balance, meant = cents / 100, Decimal(cents) / 100
    for charge in charges:
        balance, meant = balance - charge, meant - Decimal(str(charge))
    assert rounded(Decimal(str(balance))) == meant


@given(st.decimals(-(10**9), 10**9, places=6))
def test_an_amount_that_is_not_zero_is_never_shown_as_nothing(amount: Decimal) -> None:
    shown = Decimal(dollars(amount).replace("$", "").replace(",", ""))
    assert (shown == 0) == (amount == 0)
    assert abs(shown - amount) <= max(abs(amount) / 100, Decimal("0.0000005"))
