"""Text from outside, made fit for a terminal.

Prompts, ids, paths and answers come from anybody. Printed as they are, ESC and its kin would steer
the terminal, and marks of direction would turn a line around; so nothing of them reaches one.
"""

# They join letters and emoji, and do nothing else.
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    """Make one line of a text: blanks of any kind as a space, what is not printable escaped."""
    return text if text.isprintable() else "".join(map(_shown, text))


def printable_lines(text: str) -> str:
    """Make a text of several lines printable; only its line feeds stay."""
    return text if text.isprintable() else "\n".join(map(printable, text.split("\n")))


def _shown(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return " " if char.isspace() else ascii(char)[1:-1]
