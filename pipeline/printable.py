"""Escape text from outside before it reaches a terminal.

Prompts, ids, paths and responses are not trusted. Escape sequences in them could control the
terminal, and bidirectional control characters could reorder a line.
"""

# Zero-width joiners: needed by some scripts and emoji, and harmless.
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    """Return `text` as one line: white space as a space, other unprintable characters escaped."""
    return text if text.isprintable() else "".join(map(_shown, text))


def printable_lines(text: str) -> str:
    """Return `text` with line feeds kept and each line made printable."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def _shown(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return " " if char.isspace() else ascii(char)[1:-1]
