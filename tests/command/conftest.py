"""Fixtures of the tests through the real command."""

from support.faults import attempt, desk, part, sandbox, serve

__all__ = ["attempt", "desk", "part", "sandbox", "serve"]
