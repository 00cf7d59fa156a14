"""Readable names: slugs, cut at a word."""

import re
from functools import lru_cache

_NUMBER_COMMA = re.compile(r"(?<=\d),(?=\d)", re.ASCII)
_OTHER = re.compile(r"[^a-z0-9]+")


def slug(text: str, longest: int = 0) -> str:
    """Make lower-case words and dashes of a text, as python-slugify does; cut at a word.

    Plain ASCII, nearly every text of a large sheet, takes a short way to the same result.
    """
    if text.isascii() and "&" not in text:
        lowered = text.lower().replace("'", "-")
        if "," in lowered:
            lowered = _NUMBER_COMMA.sub("", lowered)
        made = _OTHER.sub("-", lowered).strip("-")
    else:
        made = _slugify(text)
    return cut(made, longest) if longest else made


@lru_cache(maxsize=1024)
def _slugify(text: str) -> str:
    from slugify import slugify  # noqa: PLC0415 - its tables are large, and seldom needed

    return str(slugify(text))


def cut(made: str, longest: int) -> str:
    """Cut a slug to a length, at a dash where there is one."""
    if len(made) <= longest:
        return made
    head = made[: longest + 1]
    return head[: head.rfind("-")] if "-" in head else made[:longest]
