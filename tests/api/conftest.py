"""Fixtures of the tests of the client, on real sockets."""

from support.faults import attempt, part, sandbox, serve, workspace

__all__ = ["attempt", "part", "sandbox", "serve", "workspace"]
