"""Fixtures of the tests through the real command."""

from support.faults import attempt, part, sandbox, serve, workspace

__all__ = ["attempt", "part", "sandbox", "serve", "workspace"]
