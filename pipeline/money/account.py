"""The port to what other runs on the same key hold. Alone on its key, a run asks nobody."""

from decimal import Decimal
from typing import Protocol


class Account(Protocol):
    """The account that pays, as far as its runs share one."""

    def admit(self, attempt: str, price: Decimal) -> float | None:
        """Reserve the price of an attempt; else how many seconds to wait before asking again."""

    def settle(self, attempt: str, charged: Decimal) -> None:
        """End the reservation of an attempt, with what it has cost or may have."""


class Alone:
    """An account that no other run uses, as far as this one knows."""

    def admit(self, attempt: str, price: Decimal) -> float | None:  # noqa: ARG002 - as the port
        """Admit whatever the gate has let through."""
        return None

    def settle(self, attempt: str, charged: Decimal) -> None:
        """Keep no books beside the run's own."""
