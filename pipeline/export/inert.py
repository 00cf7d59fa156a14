"""Texts that a spreadsheet would read as formulas."""

from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(cell: Any) -> Any:
    """Keep a spreadsheet from reading a text as a formula; numbers are left alone."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
