"""The row of the account: its balance, the next turn, and the pause."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from pipeline.account.errors import LedgerError
from pipeline.account.runs import BOOT
from pipeline.account.spending import Totals
from pipeline.account.telling import Operation, Pause
from pipeline.money.balance import Balance, Bound

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Balance)
_SELECT = "SELECT boot, turn, pause, reason, total, past, horizon, balance FROM account"
_UPDATE = (
    "UPDATE account SET boot = ?, turn = ?, pause = ?, reason = ?, total = ?, past = ?,"
    " horizon = ?, balance = ?"
)
# Of `Balance`, what a run may tell. A question is a moment like others.
_METHODS: dict[str, Callable[..., object]] = {
    "ask": Balance.tick, "tick": Balance.tick, "change": Balance.change,
    "processed": Balance.processed, "charge": Balance.charge, "risk": Balance.risk,
    "take": Balance.take, "answer": Balance.answer, "header": Balance.header, "show": Balance.show,
}  # fmt: skip
# Seconds: an API that wants to be left alone for longer is asked again all the same.
_LONGEST_PAUSE = 24 * 3600.0
_MOST_AHEAD = 60.0


@dataclass(slots=True)
class Document:
    """What all runs of the account share, beside their rows."""

    boot: str
    turn: float
    pause: float
    reason: str
    totals: Totals
    balance: Balance
    changed: bool = False
    _text: bytes = b""
    _balance_changed: bool = False

    def apply(self, operations: list[Operation]) -> None:
        """Replay what has happened to the balance, in the order in which it is told."""
        for method, arguments in operations:
            _METHODS[method](self.balance, *arguments)
            self._balance_changed = True

    def tick(self) -> Any:
        """Return the moment of a request that goes."""
        self._balance_changed = True
        return self.balance.tick()

    def begin_anew(self) -> None:
        """Know nothing of the balance."""
        self.balance, self._balance_changed = Balance(), True

    def hear(self, pause: Pause, now: float) -> None:
        """Take a pause, if it is longer than the present one."""
        until = min(pause.until, now + _LONGEST_PAUSE)
        if until > max(self.pause, now):
            self.pause, self.reason, self.changed = until, pause.reason, True

    def take_turn(self, interval: float, now: float) -> float:
        """Take the next place of the rate; returns the seconds until it comes."""
        if interval <= 0:
            return 0.0
        turn = max(self.turn, now)
        # A little more than the interval: clocks and networks must not make it less.
        self.turn, self.changed = turn + interval * 1.01 + 0.005, True
        return turn - now

    def check_clock(self, now: float, interval: float, runs: int) -> None:
        """Forget times of another boot, and those that cannot be."""
        if self.turn <= now and self.pause <= now:
            return
        if self.boot != BOOT:
            self.boot, self.turn, self.pause, self.changed = BOOT, 0.0, 0.0, True
        if self.turn > now + interval * (runs + 1) + _MOST_AHEAD:
            self.turn, self.changed = 0.0, True
        if self.pause > now + _LONGEST_PAUSE:
            self.pause, self.changed = 0.0, True

    def save(self, connection: sqlite3.Connection) -> None:
        """Write what has changed."""
        totals = self.totals
        if not (self.changed or self._balance_changed or totals.changed):
            return
        self.boot = BOOT
        if self._balance_changed:
            self._text = _ENCODER.encode(self.balance)
        clocks = (self.boot, self.turn, self.pause, self.reason)
        sums = (totals.total, totals.past, totals.horizon)
        connection.execute(_UPDATE, (*clocks, *sums, self._text))
        self.changed = self._balance_changed = totals.changed = False


def load(connection: sqlite3.Connection, place: object) -> Document:
    """Read the row."""
    row = connection.execute(_SELECT).fetchone()
    if row is None:
        raise LedgerError(str(place), "its row of the account is missing", hint="move it away")
    boot, turn, pause, reason, total, past, horizon, text = row
    balance = _DECODER.decode(text) if text else Balance()
    return Document(boot, turn, pause, reason, Totals(total, past, horizon), balance, _text=text)


def copy(balance: Balance) -> Balance:
    """Copy a balance, so that the copy can go its own way."""
    return Balance(
        balance.call_works, balance.is_fresh, balance.silent, balance.now,
        _copy(balance.at_least), _copy(balance.at_most), _copy(balance.reported),
        balance.changed_at,
    )  # fmt: skip


def _copy(bound: Bound) -> Bound:
    return Bound(bound.reading, bound.charges)
