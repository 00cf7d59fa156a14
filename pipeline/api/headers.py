"""What the headers of an answer tell, each read so that no value can do harm."""

from decimal import Decimal, InvalidOperation

from pipeline.amounts import rounded

# Powers of ten between which an amount of money lies; others are noise, and overflow sums.
_SMALLEST, _LARGEST = -20, 12
# Letters of a header that a record keeps: an id or a type is shorter.
_LONGEST = 200
# Digits of a number that every reader of JSON takes as it stands.
_SAFE_DIGITS = 15


def decimal(text: str | None) -> Decimal | None:
    """Read a decimal header; None where it is missing or no amount that can be."""
    if text is None or len(text) > _LONGEST:
        return None
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    known = value.is_finite() and _SMALLEST < value.adjusted() < _LARGEST
    return rounded(value) if known else None


def cost(text: str | None) -> Decimal | None:
    """Read what an answer has cost; None where that is missing or less than nothing."""
    figure = decimal(text)
    return figure if figure is not None and figure >= 0 else None


def words(text: str | None) -> str | None:
    """Read a header for a record: printable, and not long; None where there is none."""
    shown = (text or "")[: 4 * _LONGEST]
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else " " for char in shown)
    shown = shown.strip()
    return (shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…") or None


def seed(text: str | None) -> int | str | None:
    """Read the seed that an answer tells: a number where it is one."""
    told = words(text)
    digits = (told or "").removeprefix("-")
    is_number = digits.isdecimal() and digits.isascii() and len(digits) <= _SAFE_DIGITS
    return int(told) if told and is_number else told
