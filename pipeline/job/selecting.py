"""Which tasks a word on the command line means: a full name, an id, or a pattern. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from fnmatch import translate

# What follows an id in a full name: matrix values and a take. An id may hold a bracket as well.
_SUFFIX = r"(?:\[[^\[]*=.*\])?(?:#[0-9]+)?"


def selected(pattern: str, tasks: Iterable[str]) -> list[str]:
    """Return those of `tasks` that a pattern means, in their order.

    It is the full name of one; else the id of some, with all their values and takes; else a glob
    with `*` and `?`, in which brackets are those of a name, or a set as in a shell.
    """
    pattern = unicodedata.normalize("NFC", pattern.strip())
    names = list(tasks)
    if pattern in names:
        return [pattern]
    of_id = re.compile(re.escape(pattern) + _SUFFIX, re.DOTALL)
    if found := [name for name in names if of_id.fullmatch(name)]:
        return found
    as_written = pattern.replace("[", "[[]")
    globs = [re.compile(translate(one)) for one in dict.fromkeys((as_written, pattern))]
    return [name for name in names if any(glob.match(name) for glob in globs)]
