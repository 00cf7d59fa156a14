"""Amounts of US dollars: how they are read, and how people see them. Pure.

An API keeps its balance as a float: 33.33 - 0.95 comes as 32.379999999999995. A price taken from
two such figures is a hair above what it is, and a hair is enough to leave the last clip undone.
"""

from decimal import Decimal

ZERO = Decimal(0)

# What comes from outside is exact to a millionth of a dollar; what is finer is noise.
_EXACT = Decimal("0.000001")
# Powers of ten within which an amount of money lies. Less is noise; a larger one is not money, and
# sums of it, which have 28 digits, would not be exact to a millionth.
_SMALLEST, _LARGEST = -24, 15


def is_money(amount: Decimal | None) -> bool:
    """Whether an amount, where there is one, can be money: sums can be made with it."""
    return not amount or (amount.is_finite() and _SMALLEST < amount.adjusted() < _LARGEST)


def rounded(amount: Decimal) -> Decimal:
    """Round an amount as it was read to a millionth of a dollar; leave what is not money."""
    if not amount.is_finite() or amount.adjusted() >= _LARGEST:
        return amount
    exact = amount.quantize(_EXACT)
    if exact == amount:
        return amount
    plain = exact.normalize() + ZERO  # without the zeros at its end, and never -0
    return plain if plain.as_tuple().exponent != 0 else plain.quantize(Decimal(1))


def dollars(amount: Decimal) -> str:
    """Write an amount for people: in cents, and finer where cents are off by more than 1 %."""
    text = ""
    for places in (2, 4, 6):
        text = f"{abs(amount):,.{places}f}"
        shown = Decimal(text.replace(",", ""))
        if abs(amount) >= 1 or abs(shown - abs(amount)) <= abs(amount) / 100:
            break
    whole, _, digits = text.partition(".")
    sign = "-" if amount < 0 and shown else ""
    return f"{sign}${whole}.{digits.rstrip('0').ljust(2, '0')}"
