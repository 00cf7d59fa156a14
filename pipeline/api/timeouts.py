"""The bounds of an attempt, in seconds."""

import msgspec


class Timeouts(msgspec.Struct, frozen=True):
    """How long each step of an attempt may take, in seconds.

    `connect` bounds a connect and a TLS handshake, `write` the time until a piece of the request is
    taken, `stall` a silence within a body, `asking` the whole of a free request. After `grace`
    a body must have come at `least_rate` bytes a second on the whole. A timer that fires
    `stood_still` seconds late shows that the process was suspended; `last_look` is the time to read
    what lies in a socket once its wait is over.
    """

    connect: float = 10.0
    write: float = 60.0
    stall: float = 60.0
    asking: float = 10.0
    grace: float = 300.0
    least_rate: int = 1000
    stood_still: float = 5.0
    last_look: float = 0.5


USUAL = Timeouts()
