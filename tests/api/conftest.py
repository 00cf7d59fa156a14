"""Fixtures of the tests of the client, on real sockets."""

from support.faults import attempt, desk, part, sandbox, serve

__all__ = ["attempt", "desk", "part", "sandbox", "serve"]
