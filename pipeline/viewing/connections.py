"""Connections that ask for nothing: how long they may, and how many there may be.

Whoever is on this machine can open one, before any token is asked for. Without a bound they would
take all the files that a process may have open, and the person's own page would find no room.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_MOST = 96  # without a whole request; a browser opens some ahead
_PATIENCE = 10.0  # seconds until the first request must be there

_Idle = dict["Connection", asyncio.TimerHandle]


class Connection(H11Protocol):
    """A connection that is closed where it brings no request in time, or too many others do."""

    _idle: _Idle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for its first request; of too many that wait, the oldest is given up."""
        super().connection_made(transport)
        idle = self._idle
        idle[self] = self.loop.call_later(_PATIENCE, self._give_up)
        if len(idle) > _MOST:
            next(iter(idle))._give_up()  # noqa: SLF001 - another of ours

    def data_received(self, data: bytes) -> None:
        """Take what has come, and note whether a request is there."""
        super().data_received(data)
        if self.cycle is not None:
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        if (timer := self._idle.pop(self, None)) is not None:
            timer.cancel()

    def _give_up(self) -> None:
        self._forget()
        self.transport.abort()


def connections() -> type[Any]:
    """Return what makes the connections of one server, which counts them."""
    return type("_Connection", (Connection,), {"_idle": {}})
