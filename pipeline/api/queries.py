"""Queries of addresses in texts: they may be signatures, which are secrets. Pure."""

import re

_QUERY = re.compile(r"(https?:[\\/]{2,8}[^\s?#\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE)


def without_queries(text: str) -> str:
    """Remove the query of each http(s) address in a text."""
    return _QUERY.sub(r"\1?…", text)
