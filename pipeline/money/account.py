"""The port to what other runs on the same key hold. Alone on its key, a run asks nobody."""

from decimal import Decimal
from typing import Protocol


class Account(Protocol):
    """The account that pays, as far as its runs share one."""

    def admit(self, task: str, price: Decimal) -> float | None:
        """Reserve a price for a task, by its key; else the seconds to wait before asking again."""

    def settle(self, task: str, charged: Decimal) -> None:
        """End the reservation of a task, with what its attempt has cost or may have."""


class Alone:
    """An account that no other run uses, as far as this one knows."""

    def admit(self, task: str, price: Decimal) -> float | None:  # noqa: ARG002 - as the port
        """Admit whatever the gate has let through."""
        return None

    def settle(self, task: str, charged: Decimal) -> None:
        """Keep no books beside the run's own."""
